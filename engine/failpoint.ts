/**
 * Places at which a process kills itself, for tests: `EKIDEN_FAILPOINT=<loop>.<place>[:n]` together with `EKIDEN_TEST=1`
 * sends SIGKILL at the n-th passing. Unset, as always outside tests, a place is a call of an empty function.
 */

/** What has been written, and where, when a loop passes its place; a loop has those that it can pass. */
const PLACES = {
  /** The orchestrator's batches of timeline events. */
  dispatcher: ["after-claim", "after-effect", "after-requests", "after-commit", "after-offset"],
  /** Due timers. */
  timer: ["after-claim", "after-effect", "after-requests", "after-commit"],
  /** Starts, of the API, of the clock and of messages. */
  start: ["after-claim", "after-effect", "after-requests", "after-commit"],
  /** Signals, cancels and operator verbs. */
  call: ["after-claim", "after-effect", "after-requests", "after-commit"],
  /** Commands in batches. */
  participant: ["after-claim", "after-effect", "after-requests", "after-commit", "after-offset"],
  /** Commands in a transaction of their own. */
  single: ["after-claim", "after-effect", "after-requests", "after-commit"],
  /** External calls: the claim and the answer are committed apart, the effect lies between them. */
  external: ["after-claim", "after-effect", "after-requests", "after-commit"],
  /** Rejections and failures, answered after their attempt was rolled back. */
  failure: ["after-claim", "after-requests", "after-commit"],
  projection: ["after-claim", "after-effect", "after-commit", "after-offset"],
  /** Messages of other programs that start sagas: the start is the effect, its consumption the commit. */
  "start-message": ["after-effect", "after-commit", "after-offset"],
  /** The embedded transport: rows taken from memory or the outbox, placed in their topics, the position written down. */
  relay: ["after-claim", "after-commit", "after-offset"],
  /** The lease of the embedded transport. */
  lease: ["after-claim"],
  /** A rewind in the process that owns the partition: it is moved, then noted. */
  rewind: ["after-effect", "after-commit"],
  auditor: ["after-claim", "after-requests", "after-commit"],
  republish: ["after-requests", "after-commit"],
  redrive: ["after-requests", "after-commit"],
} as const;

/** A loop of the engine. */
export type Loop = keyof typeof PLACES;
/** Loops whose transactions write requests last (`engine/timeline/store.ts`). */
export type WritingLoop = "dispatcher" | "timer" | "start" | "call" | "participant" | "single" | "external" | "failure";

type Passing = <L extends Loop>(loop: L, place: (typeof PLACES)[L][number]) => void;

/** Every failpoint, as `<loop>.<place>`. */
export const FAILPOINTS: readonly string[] = Object.entries(PLACES).flatMap(([loop, places]) =>
  places.map((place) => `${loop}.${place}`),
);

/** Passes a place. */
export let failpoint: Passing = () => {};

/** Makes this process kill itself where the environment says so. Returns what is wrong with the environment, if anything. */
export function armFailpoint(
  environment: Readonly<Record<string, string | undefined>>,
  kill: () => void = () => process.kill(process.pid, "SIGKILL"),
): string | undefined {
  const asked = environment["EKIDEN_FAILPOINT"] ?? "";
  if (asked === "") return undefined;
  if (environment["EKIDEN_TEST"] !== "1")
    return "EKIDEN_FAILPOINT kills the engine and is for tests, with EKIDEN_TEST=1";
  const [, wanted = "", times = "1"] = /^([a-z.-]+)(?::([1-9]\d{0,5}))?$/.exec(asked) ?? [];
  if (!FAILPOINTS.includes(wanted))
    return `EKIDEN_FAILPOINT "${asked}" is none, as <loop>.<place> or <loop>.<place>:<n>: ${FAILPOINTS.join(", ")}`;
  let left = Number(times);
  failpoint = (loop, place) => {
    if (`${loop}.${place}` !== wanted) return;
    left -= 1;
    if (left === 0) kill();
  };
  return undefined;
}

/** The loop of a consumer group, for the offsets that it commits. */
export function loopOfGroup(group: string): "dispatcher" | "participant" | "projection" | "start-message" {
  if (group === "dispatcher") return group;
  if (group.startsWith("start.")) return "start-message";
  return group.includes(".") ? "projection" : "participant";
}
