import type { Json } from "./json.ts";

/** What happened, as `decide` takes it. Everything else on the timeline (the saga's own life) moves nothing. */
export type SagaEvent =
  | { readonly type: "saga.started" }
  | { readonly type: "step.succeeded"; readonly path: string; readonly attempt: number; readonly output: Json }
  | {
      readonly type: "step.rejected";
      readonly path: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: "step.failed";
      readonly path: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      readonly unknown: boolean;
    }
  | {
      readonly type: "compensation.succeeded" | "compensation.skipped";
      readonly path: string;
      readonly attempt: number;
    }
  | {
      readonly type: "compensation.failed";
      readonly path: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    }
  | { readonly type: "signal.received"; readonly messageId: string; readonly signal: string; readonly payload: Json }
  | { readonly type: "timer.fired"; readonly timer: string; readonly dueAt: string }
  | { readonly type: "cancel.requested"; readonly reason: string }
  | { readonly type: "retry.requested"; readonly step?: string }
  | { readonly type: "skip.requested"; readonly step: string; readonly reason: string }
  | { readonly type: "resolve.requested"; readonly step: string; readonly result: Json }
  | { readonly type: "terminate.requested"; readonly reason: string }
  | EditRequested
  | ChildEnded
  /** Child to parent: its stack is undone. */
  | { readonly type: "child.compensated"; readonly path: string; readonly uncompensated: boolean }
  /** Parent to a completed child: undo your stack. */
  | { readonly type: "compensate.requested" }
  /** Parent to a completed child: nobody will take you back any more. */
  | { readonly type: "child.released" }
  /** Parent to child: it was terminated, and so are you. */
  | { readonly type: "parent.terminated"; readonly reason: string };

/** A person has edited what a step, or its compensation, is sent. */
export interface EditRequested {
  readonly type: "edit.requested";
  readonly path: string;
  readonly compensation: boolean;
  readonly input: Json;
  /** The message that the edited one replaces. */
  readonly supersedes: string;
}

/** Child to parent: it has reached a final status. */
export interface ChildEnded {
  readonly type: "child.ended";
  /** Path of the parent's step. */
  readonly path: string;
  readonly child: string;
  readonly status: "completed" | "failed" | "cancelled" | "terminated";
  readonly code: string;
  readonly message: string;
  readonly output: Json;
  readonly pivotPassed: boolean;
  /** It lists steps that may have taken effect and were not undone. */
  readonly uncompensated: boolean;
}

/** How a step's guard stands, found by settling it (design S3). */
export type GuardOutcome =
  /** It runs now: come back later. */
  | { readonly state: "running" }
  /** It has not run and never will. */
  | { readonly state: "closed" }
  | { readonly state: "done"; readonly output: Json }
  | { readonly state: "rejected"; readonly code: string; readonly message: string }
  /** An external call whose end nobody saw. */
  | { readonly state: "unknown" }
  | { readonly state: "blocked" | "compensating" | "compensated" | "kept" };

/** What a transition saw besides its event; recorded in `event_consumption.read`, so that a fold needs nothing else. */
export interface Read {
  /** The transition's time, ISO 8601, by the database's clock. */
  readonly now: string;
  /** Guard outcomes by step path. */
  readonly guards: Readonly<Record<string, GuardOutcome>>;
  /** Of a transition that was recorded: the version of the semantics that made it. Absent: this one. */
  readonly semantics?: number;
}
