import type { Json, JsonObject } from "./json.ts";

export type SagaStatus = "running" | "compensating" | "parked" | "completed" | "failed" | "cancelled" | "terminated";

/** Why a step or a saga failed. `step` is the path in the saga. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly step: string;
  /** Class by which `catch` finds it. `fault` (an expression or contract that broke) is never caught. */
  readonly kind: "rejected" | "failed" | "deadline" | "fail" | "cancelled" | "fault";
  /** Position in the YAML, for faults. */
  readonly line?: number;
  readonly column?: number;
}

/** A list of steps in progress: which one, and how it stands. A tree: blocks hold steps that hold blocks. */
export interface BlockState {
  at: number;
  current?: StepState;
}

/** A step in progress. */
export type StepState =
  | {
      kind: "command";
      /** `sent`: an attempt is out. `backoff`: the next attempt waits for its timer. `closing`: given up while it ran. */
      phase: "sent" | "backoff" | "closing" | "parked";
      /** Number of the newest attempt sent. */
      attempt: number;
      /** Attempts sent since the policy last began to count (an operator's retry begins anew). */
      used: number;
      input: Json;
      failure?: Failure;
      /** A result that broke its contract or output template; a retry looks at it again. */
      held?: Json;
    }
  | { kind: "wait" }
  /** `branch`: path segments below the step, e.g. `approved` or `catch/deadline`. `error`: what a catch block may read. */
  | { kind: "block"; branch: string; block: BlockState; error?: Failure }
  /** The step could not be entered; a retry enters it again. */
  | { kind: "fault"; failure: Failure };

/** A command that was sent and may have to be undone. */
export interface StackEntry {
  readonly path: string;
  readonly input: Json;
  /** The handler's result, once known. */
  output?: Json;
  /** Nobody awaits its answer. */
  readonly notify?: true;
}

/** A step that may have taken effect and was not undone. */
export interface Uncompensated {
  readonly step: string;
  readonly reason: string;
}

/** The compensation in progress: that of the top of the stack. */
export interface BackwardState {
  /** `closing`: given up while it ran. */
  phase: "sent" | "backoff" | "closing" | "parked";
  attempt: number;
  used: number;
  failure?: Failure;
}

/** An unread signal. */
export interface Mail {
  readonly messageId: string;
  readonly signal: string;
  readonly payload: Json;
}

/** What the API shows as `waitingFor`. */
export interface Waiting {
  readonly signal: string;
  readonly path: string;
  readonly deadlineAt: string | null;
}

/** The whole state of one saga. Plain JSON: it lies in `timeline.saga.state`. */
export interface SagaState {
  status: SagaStatus;
  root: BlockState;
  /** Outputs by step name: `steps.<name>`. */
  outputs: Record<string, Json>;
  /** Oldest first; compensated from the end. */
  stack: StackEntry[];
  /** True once the pivot has succeeded: from here on forward only. */
  pivotPassed: boolean;
  mailbox: Mail[];
  /** Timers that are set: name → due, ISO 8601. `timeline.timer` follows it. */
  timers: Record<string, string>;
  uncompensated: Uncompensated[];
  /** Why it goes backward, or why it failed. */
  failure?: Failure;
  /** Why it is parked. */
  parked?: Failure;
  backward?: BackwardState;
  /** A cancel that waits for the end of a running step. */
  cancel?: { readonly reason: string };
  output?: Json;
  waitingFor: Waiting[];
}

/** What of a saga never changes. */
export interface SagaFacts {
  readonly id: string;
  readonly key: string | null;
  readonly version: number;
  readonly startedAt: string;
  readonly input: JsonObject;
}

/** True for a status that is never left. */
export function isFinal(status: SagaStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled" || status === "terminated";
}
