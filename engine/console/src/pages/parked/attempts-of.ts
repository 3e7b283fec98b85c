import type { Message } from "../../data/shapes.ts";

/** One time that a command was run, or is to be. */
export interface Attempt {
  readonly messageId: string;
  /** When it failed; of one without a failure, when it was asked for. */
  readonly at: string | null;
  readonly end: "failed" | "waits" | "ran";
  /** Undefined: none is recorded. It has not run yet, has ended well, or nothing was heard of it in time. */
  readonly failure?: Message["failures"][number];
}

/**
 * What was tried at the step that a message asks for, the newest first. Each attempt is a message of its own; one that was
 * sent again has failed several times.
 */
export function attemptsOf(messages: readonly Message[], { type }: Pick<Message, "type">): readonly Attempt[] {
  const asked = messages.filter((message) => message.type === type);
  return asked
    .flatMap((message): readonly Attempt[] => {
      const { messageId, failures, consumptions, requestedAt } = message;
      if (failures.length > 0) {
        return failures.map((failure) => ({ messageId, at: failure.failedAt, end: "failed" as const, failure }));
      }
      return [{ messageId, at: requestedAt, end: consumptions.length === 0 ? "waits" : "ran" }];
    })
    .toSorted((a, b) => (b.at ?? "").localeCompare(a.at ?? ""));
}
