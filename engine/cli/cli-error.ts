/** How a command ends; programs may rely on these. */
export const EXIT = {
  done: 0,
  /** The engine refused, or a check found errors. */
  refused: 1,
  usage: 2,
  unreachable: 3,
  /** With `--wait`: the saga is not completed; of many: one is parked, terminated or still on its way; of a redrive: not all are done. */
  notCompleted: 4,
  /** Ctrl-C, before all of it was done. */
  interrupted: 130,
} as const;

/** The same in words, for the help and the reference. */
export const EXIT_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.done, "done"],
  [
    EXIT.refused,
    "the engine refused, a check found errors or differences, or the doctor something red; of many, some were refused and the others done",
  ],
  [EXIT.usage, "wrong usage: nothing was sent"],
  [EXIT.unreachable, "no engine answers"],
  [
    EXIT.notCompleted,
    "with `--wait`: the saga is not completed (failed, cancelled, parked, or it still runs); of many: one is parked, terminated or still on its way; a redrive of many: it waits, was stopped, or a message failed again",
  ],
  [EXIT.interrupted, "Ctrl-C"],
];

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with one message for the person, or for a program when `answer` holds what the engine said. */
export class CliError extends Error {
  constructor(
    readonly exit: ExitCode,
    message: string,
    readonly answer?: unknown,
  ) {
    super(message);
  }
}
