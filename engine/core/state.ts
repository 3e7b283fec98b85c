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
  | {
      kind: "child";
      /** `open`: it runs. `closing`: it was asked to cancel, its end is awaited. */
      phase: "open" | "closing" | "parked";
      /** Correlation id of the child. */
      id: string;
      /** Number of the child: a retry after its end starts another. */
      attempt: number;
      input: Json;
      failure?: Failure;
      held?: Json;
      /** The child has ended without success; nothing more is heard of it. */
      ended?: true;
    }
  | { kind: "wait" }
  | { kind: "sleep" }
  /** `branch`: path segments below the step, e.g. `approved` or `catch/deadline`. `error`: what a catch block may read. */
  | { kind: "block"; branch: string; block: BlockState; error?: Failure }
  | {
      kind: "branches";
      /** Those in progress, by id: a branch's name, or `[n]` for an item. One that has ended well is not here any more. */
      branches: Record<string, BranchState>;
      /** Of an `each`: the item that is begun next. */
      next?: number;
      /** Of `join: any`: the branch that finished first; the others are closed and undone. */
      winner?: string;
      /** Why the block fails: no branch begins anything new. */
      failure?: Failure;
    }
  /** The block has failed and its catch block begins when all that it did is undone. */
  | { kind: "undoing"; branch: string; failure: Failure }
  /** The step could not be entered; a retry enters it again. */
  | { kind: "fault"; failure: Failure };

/** A branch of a block: in progress, or (of `join: any`) out of the race and being undone, with the reason. */
export type BranchState = { root: BlockState } | { undoing: Failure };

/** Something that was sent and may have to be undone: a command, a notification or a child saga. */
export interface StackEntry {
  readonly path: string;
  input: Json;
  /** The handler's result, once known. */
  output?: Json;
  /** Its place among all entries, once it has left the state: later ones stand higher. */
  place?: number;
  readonly child?: ChildEntry;
  /** How far its compensation is; absent: not begun. */
  undo?: UndoState;
}

/** A child saga on the stack: how it stands, as far as its parent knows. */
export interface ChildEntry {
  readonly id: string;
  ended?: "completed" | "terminated";
  /** It went past its own pivot: its stack is gone, only the step's `compensate` undoes it. */
  pivotPassed?: true;
}

/** A compensation in progress. `error`: what it may read when the saga itself has not failed. */
export type UndoState = { error?: Failure } & (
  | ({ kind: "command" } & Attempts)
  /** A list of steps, run like a small saga of its own. */
  | { kind: "steps"; root: BlockState }
  /** A list that has not begun: the step runs at this moment. */
  | { kind: "guard" }
  /** The child undoes its own stack. */
  | { kind: "child" }
);

interface Attempts {
  /** `closing`: given up while it ran. */
  phase: "sent" | "backoff" | "closing" | "parked";
  attempt: number;
  used: number;
  failure?: Failure;
  /** What the compensation is sent, where a person has edited it. */
  input?: Json;
}

/** A step that may have taken effect and was not undone. */
export interface Uncompensated {
  readonly step: string;
  readonly reason: string;
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

/** What an item of an `each` keeps to itself. */
export interface ItemState {
  outputs: Record<string, Json>;
  vars: Record<string, Json>;
  /** Output of the last step, which stands for the item in the list. */
  result?: Json;
  /** The item itself, when the list has left the state. */
  value?: Json;
}

/**
 * The state of one saga. Plain JSON: it lies in `timeline.saga.state` and is written with each transition, so what grows
 * with the saga leaves it for the rows of the steps (`Stored`). Reached through `Draft`, `Values` and `stack.ts`.
 */
export interface SagaState {
  status: SagaStatus;
  root: BlockState;
  /** Outputs by step name: `steps.<name>`; the newest ones when some have left. */
  outputs: Record<string, Json>;
  vars?: Record<string, Json>;
  /** What stands inside an item of an `each`, by the item's path (`ship[3]`); items that have ended leave the state. */
  items?: Record<string, ItemState>;
  /** The lists that were evaluated, by the path of their `each`. */
  lists?: Record<string, readonly Json[]>;
  /** Lists that have left the state while their `each` runs: how long they are, and the items that are begun next. */
  ahead?: Record<string, { readonly count: number; readonly from: number; readonly values: readonly Json[] }>;
  /** Outputs have left the state: one that is not here may lie outside. */
  outside?: true;
  /** In the order of sending. The paths tell which entries belong to which branch. */
  stack: StackEntry[];
  /** How many more entries of the stack lie outside the state. */
  stacked?: number;
  /** The highest place that an entry outside was given. */
  lastPlace?: number;
  /** True once the pivot has succeeded: from here on forward only. */
  pivotPassed: boolean;
  mailbox: Mail[];
  /** Timers that are set: name → due, ISO 8601. `timeline.timer` follows it. */
  timers: Record<string, string>;
  uncompensated: Uncompensated[];
  /** Why everything in progress is being ended: a cancel, or the total deadline. */
  closing?: Failure;
  /** Why it goes backward, or why it failed. */
  failure?: Failure;
  /** Why it is parked: the first place that stands. */
  parked?: Failure;
  /** A completed child that its parent takes back: its stack is being undone, its status stays. */
  reversal?: "running" | "done";
  /** Ended while something of it ran; timers ask for the guards of that until they are settled. */
  winding?: true;
  /** How an `end` says that it ended. */
  outcome?: string;
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
  /** Of a child: the saga and the step that await its end. */
  readonly parent?: Parent;
}

/** The step of another saga that started this one. */
export interface Parent {
  readonly sagaId: string;
  readonly path: string;
}

/** True for a status that is never left. */
export function isFinal(status: SagaStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled" || status === "terminated";
}
