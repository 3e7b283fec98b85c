import { decide, newborn } from "../core/decide.ts";
import type { Definition } from "../core/definition.ts";
import type { Evaluator } from "../core/evaluate.ts";
import type { Read } from "../core/event.ts";
import { SEMANTICS, SEMANTICS_OLDEST } from "../core/semantics.ts";
import { isFinal, type SagaFacts, type SagaState } from "../core/state.ts";
import { type EventRow, parseEvent } from "../timeline/event-row.ts";
import { FoldedSteps } from "./folded-steps.ts";

/** An event that moved a saga, with what its transition saw besides. */
export type MovingEvent = EventRow & {
  readonly sequence: number;
  readonly semantics: number | null;
  readonly read: Read | null;
};

/** What a saga's events make of it. */
export interface Folded {
  /** Null: no event has moved it yet. */
  readonly state: SagaState | null;
  readonly sequence: number;
  readonly finishedAt: string | null;
  readonly steps: FoldedSteps;
  /** The event that moved it last. */
  readonly event: string;
}

/** Where the fold and what is recorded part. */
export interface Parting {
  readonly event: string;
  readonly sequence: number;
  readonly folded: string;
}

/** A fold to its end; or the event that does not do what is recorded of it; or why it cannot be folded. */
export type Fold =
  | { readonly kind: "folded"; readonly folded: Folded }
  | { readonly kind: "parted"; readonly parting: Parting }
  | { readonly kind: "unverifiable"; readonly reason: string };

/**
 * Folds a saga from the events that moved it, in the order of its transitions: the very `decide` that made them, with the
 * recorded time and guard outcomes, by the rules of the version that made each, and the rows of its steps in memory.
 */
export function fold(
  definition: Definition,
  facts: SagaFacts,
  events: readonly MovingEvent[],
  evaluator: Evaluator,
): Fold {
  const steps = new FoldedSteps();
  let folded: Folded = { state: null, sequence: 0, finishedAt: null, steps, event: "" };
  for (const row of events) {
    const unfit = unfitness(row, folded.sequence + 1);
    if (unfit !== undefined) return { kind: "unverifiable", reason: unfit };
    const parsed = parseEvent(row);
    const event = row.message_id;
    const part = (words: string): Fold => ({
      kind: "parted",
      parting: { event, sequence: row.sequence, folded: words },
    });
    if (!("event" in parsed)) return part(`a message of type ${row.message_type} that moves nothing`);
    const read = { ...(row.read as Read), semantics: row.semantics as number };
    const state = folded.state ?? newborn();
    const decision = decide(definition, facts, state, parsed.event, read, evaluator, steps);
    if (decision.kind === "no-op") return part(`no transition (${decision.reason})`);
    if (decision.kind === "needs") return part(`it asks for the guard of ${decision.path}, which is not recorded`);
    steps.change(decision.steps, decision.stored, read.now, event);
    const finishedAt = isFinal(decision.state.status) ? (folded.finishedAt ?? read.now) : null;
    folded = { state: decision.state, sequence: row.sequence, finishedAt, steps, event };
  }
  return { kind: "folded", folded };
}

function unfitness({ sequence, semantics, read }: MovingEvent, expected: number): string | undefined {
  if (sequence !== expected) return `transition ${expected} is not in the event store`;
  if (semantics === null || semantics < SEMANTICS_OLDEST || semantics > SEMANTICS)
    return `transition ${sequence} was made by semantics ${semantics ?? "unknown"}, this engine knows ${SEMANTICS_OLDEST} to ${SEMANTICS}`;
  return read === null ? `what transition ${sequence} saw is not recorded` : undefined;
}
