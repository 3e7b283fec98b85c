import type { Json, JsonObject } from "./json.ts";
import type { Failure, SagaState } from "./state.ts";
import type { StoredChange } from "./stored.ts";

/** A message that a transition sends. Ids, saga and causation are added where it is written. */
export interface Outgoing {
  readonly topic: string;
  readonly type: string;
  /** The saga that it goes to, when it is another: its correlation id and key. */
  readonly to?: string;
  /** Path of the step; absent for the saga's own life. */
  readonly path?: string;
  readonly action?: string;
  readonly attempt?: number;
  readonly headers?: JsonObject;
  readonly body: Json;
}

/** Change of one row of `saga_step`; absent fields stay as they are. */
export interface StepChange {
  readonly path: string;
  readonly status: string;
  readonly attempts?: number;
  readonly output?: Json;
  readonly failure?: Failure;
  readonly started?: true;
  readonly finished?: true;
}

/** A person says how a step, or its compensation, has ended: the guard says it from now on. */
export interface Resolved {
  readonly path: string;
  readonly state: "done" | "compensated";
  readonly output: Json;
}

/** What a transition does. */
export interface Transition {
  readonly kind: "transition";
  readonly state: SagaState;
  readonly outgoing: readonly Outgoing[];
  readonly steps: readonly StepChange[];
  /** What leaves the state for the rows of the steps, or changes there; at most one change a path. */
  readonly stored: readonly StoredChange[];
  /** Paths whose `rejected` guard is taken off for a retry. */
  readonly reopen: readonly string[];
  /** Paths whose compensation is given up. */
  readonly keep: readonly string[];
  /** Guards that a person's word settles. */
  readonly resolved?: readonly Resolved[];
  /** Signals that were taken: message id → path of the wait. */
  readonly taken: Readonly<Record<string, string>>;
}

/** Why an operator's verb has no effect at a place. */
export type VerbRefused = "not-parked" | "pivot" | "running" | "no-result";

/** What `decide` answers. `no-op`: history, kept and without effect. `needs`: settle these steps' guards and ask again. */
export type Decision =
  | Transition
  | {
      readonly kind: "no-op";
      readonly reason: "late" | "final" | "compensating" | "stale" | "past-pivot" | "not-editable" | VerbRefused;
    }
  /**
   * `keepStarted`: a pivot; its `started` is told as `unknown` and left as it is, for nobody but its answer ends it (S9).
   * The empty path: the notifications that nobody has taken.
   */
  | { readonly kind: "needs"; readonly path: string; readonly keepStarted?: true };
