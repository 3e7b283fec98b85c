import type { Problem } from "./domain.ts";
import { EngineError } from "./error.ts";

/** Every reason for which a call to the engine is refused. Stable; each has an entry in docs/OPERATIONS.md. */
export type RefusalCode =
  | "saga.unknown-definition"
  | "saga.unknown"
  | "saga.input-invalid"
  | "saga.key-open"
  | "saga.idempotency-mismatch"
  | "saga.final"
  | "saga.not-parked"
  | "saga.past-pivot"
  | "saga.unknown-step"
  | "saga.busy"
  | "signal.invalid"
  | "message.unknown"
  | "message.too-large"
  | "group.unknown"
  | "group.offset-out-of-range"
  | "group.nothing-to-rewind"
  | "group.rewind-failed"
  | "pipeline.unmanaged"
  | "pipeline.connect-unavailable"
  | "republish.unknown"
  | "group.held"
  | "recovery.running"
  | "definition.unknown-revision"
  | "engine.busy";

/** A call that the engine refuses: nothing was changed. */
export class Refusal extends EngineError {
  readonly code: RefusalCode;
  readonly hint: string;
  /** Places in the request that were refused. */
  readonly problems: readonly Problem[];
  /** The saga in the way, for `saga.key-open`. */
  readonly sagaId: string | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    hint: string,
    more: { readonly problems?: readonly Problem[]; readonly sagaId?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.problems = more.problems ?? [];
    this.sagaId = more.sagaId;
  }
}
