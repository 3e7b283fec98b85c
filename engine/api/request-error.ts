import { EngineError } from "../core/error.ts";

/** Every reason for which the API refuses a request before it reaches the engine. */
export type RequestCode =
  | "request.malformed-json"
  | "request.body-invalid"
  | "request.query-invalid"
  | "request.cursor-invalid"
  | "request.header-invalid"
  | "request.media-type"
  | "request.too-large"
  | "request.host-refused"
  | "request.origin-refused"
  | "auth.required"
  | "auth.refused"
  | "auth.forbidden"
  | "auth.issuer-unavailable"
  | "request.rate-limited"
  | "request.unknown-path"
  | "request.method-not-allowed";

/** One place in a request that was refused: `pointer` into the body, or the name of a query `parameter`. */
export interface RequestFault {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly detail: string;
}

/** A request that is wrong by itself. Nothing was read or changed. */
export class RequestError extends EngineError {
  readonly code: RequestCode;
  readonly hint: string;
  readonly faults: readonly RequestFault[];

  constructor(code: RequestCode, message: string, hint: string, faults: readonly RequestFault[] = []) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.faults = faults;
  }
}
