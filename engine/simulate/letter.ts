import type { Outgoing } from "../core/decision.ts";
import type { SagaEvent } from "../core/event.ts";
import type { Outcome } from "./plan.ts";

/** A message on its way: a command, a compensation, or what a child saga is told. */
export interface Letter {
  readonly message: Outgoing;
  readonly path: string;
  readonly attempt: number;
  readonly undo: boolean;
  readonly sentAtMs: number;
  /** Absent: nobody ever takes it. */
  readonly arrivesAtMs?: number;
  readonly outcome: Outcome;
}

/** What became of a letter: an event for the saga, or only a sentence. */
export interface Reply {
  readonly event?: SagaEvent;
  readonly text: string;
}
