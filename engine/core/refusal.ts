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
  | "saga.pivot-skipped"
  | "saga.step-running"
  | "saga.step-without-result"
  | "saga.result-invalid"
  | "saga.unknown-step"
  | "saga.busy"
  | "signal.invalid"
  | "message.unknown"
  | "message.too-large"
  | "message.not-editable"
  | "message.not-dismissible"
  | "message.edit-invalid"
  | "redrive.unknown"
  | "redrive.nothing"
  | "redrive.not-waiting"
  | "redrive.ended"
  | "group.unknown"
  | "group.offset-out-of-range"
  | "group.nothing-to-rewind"
  | "group.rewind-failed"
  | "group.history-forgotten"
  | "group.rewind-forward"
  | "pipeline.unmanaged"
  | "pipeline.connect-unavailable"
  | "republish.unknown"
  | "projection.history-forgotten"
  | "group.held"
  | "recovery.running"
  | "partition.unknown"
  | "partition.open"
  | "partition.dropped"
  | "partition.in-use"
  | "partition.not-exported"
  | "partition.busy"
  | "definition.unknown-revision"
  | "definition.retired"
  | "stream.full"
  | "key.unknown"
  | "key.name-taken"
  | "key.first-admin"
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
