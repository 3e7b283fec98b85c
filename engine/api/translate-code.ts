import type { RefusalCode } from "../core/refusal.ts";
import type { RequestCode } from "./request-error.ts";

/** Codes that only the API itself answers with. */
export type ApiCode = "api.internal" | "api.database-unavailable" | "kafka.unreachable";
export type ProblemCode = RefusalCode | RequestCode | ApiCode;
export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 503;

/** How a code looks over HTTP. */
export interface Translation {
  readonly status: ProblemStatus;
  readonly title: string;
  /** Seconds after which the same call may succeed. */
  readonly retryAfter?: number;
}

/** The one place where the engine's codes meet HTTP. */
export const TRANSLATIONS: Readonly<Record<ProblemCode, Translation>> = {
  "saga.unknown-definition": { status: 404, title: "No such definition" },
  "saga.unknown": { status: 404, title: "No such saga" },
  "saga.input-invalid": { status: 422, title: "The input does not fit the definition" },
  "saga.key-open": { status: 409, title: "An open saga has this business key" },
  "saga.idempotency-mismatch": { status: 422, title: "The Idempotency-Key belongs to another request" },
  "saga.final": { status: 409, title: "The saga has ended" },
  "saga.not-parked": { status: 409, title: "The saga is not parked" },
  "saga.past-pivot": { status: 409, title: "The saga is past its pivot" },
  "saga.pivot-skipped": { status: 409, title: "A pivot cannot be skipped" },
  "saga.step-running": { status: 409, title: "The step runs at this moment" },
  "saga.step-without-result": { status: 409, title: "The step has no result" },
  "saga.result-invalid": { status: 422, title: "The result does not fit the step" },
  "saga.unknown-step": { status: 422, title: "The saga has no such step" },
  "saga.busy": { status: 503, title: "The saga is busy", retryAfter: 1 },
  "signal.invalid": { status: 422, title: "The signal does not fit the definition" },
  "message.unknown": { status: 404, title: "No such message" },
  "message.too-large": { status: 413, title: "The message would be too large" },
  "message.not-editable": { status: 409, title: "The message cannot be edited" },
  "message.not-dismissible": { status: 409, title: "The message cannot be dismissed" },
  "message.edit-invalid": { status: 422, title: "The edited body does not fit" },
  "redrive.unknown": { status: 404, title: "No such redrive" },
  "redrive.nothing": { status: 409, title: "There is nothing to send again" },
  "redrive.not-waiting": { status: 409, title: "The redrive waits for nobody" },
  "redrive.ended": { status: 409, title: "The redrive has ended" },
  "group.unknown": { status: 404, title: "No such consumer group" },
  "group.offset-out-of-range": { status: 422, title: "The topic does not hold this offset" },
  "group.nothing-to-rewind": { status: 409, title: "There is nothing to rewind to" },
  "group.rewind-forward": { status: 409, title: "The rewind would pass over messages" },
  "pipeline.unmanaged": { status: 409, title: "The connector is not managed here" },
  "pipeline.connect-unavailable": { status: 503, title: "Kafka Connect does not do it", retryAfter: 5 },
  "group.held": { status: 409, title: "The group is held until `ekiden recover` has been run" },
  "recovery.running": { status: 409, title: "A recovery is under way" },
  "partition.unknown": { status: 404, title: "There is no such partition" },
  "partition.open": { status: 409, title: "The partition is still written to" },
  "partition.dropped": { status: 409, title: "The partition was dropped" },
  "partition.in-use": { status: 409, title: "The partition is still needed" },
  "partition.not-exported": { status: 409, title: "The partition was not exported like this" },
  "partition.busy": { status: 503, title: "The partition is being dropped", retryAfter: 5 },
  "group.history-forgotten": { status: 422, title: "The consumption history does not reach back so far" },
  "group.rewind-failed": { status: 503, title: "The rewind was not carried out", retryAfter: 5 },
  "projection.history-forgotten": { status: 409, title: "The event store does not reach back to the beginning" },
  "republish.unknown": { status: 404, title: "No such republishing" },
  "definition.unknown-revision": { status: 404, title: "No such revision" },
  "definition.retired": { status: 409, title: "The definition is retired" },
  "stream.full": { status: 503, title: "Too many streams are open", retryAfter: 5 },
  "key.unknown": { status: 404, title: "No such key" },
  "key.name-taken": { status: 409, title: "A key had this name already" },
  "key.first-admin": { status: 409, title: "The first key must be an admin's" },
  "auth.required": { status: 401, title: "The engine asks who calls" },
  "auth.refused": { status: 401, title: "The key is not accepted" },
  "auth.forbidden": { status: 403, title: "The key is not good for this" },
  "auth.issuer-unavailable": { status: 503, title: "The issuer of tokens does not answer", retryAfter: 5 },
  "request.rate-limited": { status: 429, title: "Too many requests from one caller", retryAfter: 1 },
  "engine.busy": { status: 503, title: "The engine has too much to do", retryAfter: 1 },
  "request.malformed-json": { status: 400, title: "The body cannot be read" },
  "request.body-invalid": { status: 422, title: "The body is not acceptable" },
  "request.query-invalid": { status: 400, title: "The query is not acceptable" },
  "request.cursor-invalid": { status: 400, title: "The cursor is not acceptable" },
  "request.header-invalid": { status: 400, title: "A header is not acceptable" },
  "request.media-type": { status: 415, title: "The media type is not accepted" },
  "request.too-large": { status: 413, title: "The body is too large" },
  "request.host-refused": { status: 403, title: "The host is not served" },
  "request.origin-refused": { status: 403, title: "The origin is refused" },
  "request.unknown-path": { status: 404, title: "No such path" },
  "request.method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "api.internal": { status: 500, title: "Unexpected error" },
  "api.database-unavailable": { status: 503, title: "The database does not answer", retryAfter: 5 },
  "kafka.unreachable": { status: 503, title: "Kafka does not answer", retryAfter: 5 },
};
