import type { Position } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import type { SagaStatus } from "../core/state.ts";
import type { Plan } from "../simulate/plan.ts";

/** One scenario of a `*.test.yaml`: what happens to a saga, and what must come of it. */
export interface Scenario {
  readonly name: string;
  readonly at: Position;
  readonly plan: Plan;
  readonly expected: Expected;
}

/** Something expected, and where it is written. */
interface Written<T> {
  readonly value: T;
  readonly at: Position;
}

/** Absent: not looked at. */
export interface Expected {
  /** Steps in the order in which they are entered; `undo apply` for a compensation. */
  readonly steps?: Written<readonly string[]>;
  readonly status?: Written<SagaStatus>;
  readonly output?: Written<Json>;
  readonly error?: Written<{ readonly code?: string; readonly step?: string; readonly message?: string }>;
  /** Steps that are left as they are. */
  readonly uncompensated?: Written<readonly string[]>;
  /** Signals that it waits for. */
  readonly waiting?: Written<readonly string[]>;
  /** From the start until it moves no more, milliseconds. */
  readonly afterMs?: Written<number>;
  /** By step: fields of what was sent to it. */
  readonly sent?: readonly { readonly step: string; readonly fields: Json; readonly at: Position }[];
}
