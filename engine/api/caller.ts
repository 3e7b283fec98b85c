import { traceparentOf } from "../core/traceparent.ts";
import type { ApiContext } from "./api-env.ts";
import type { Caller } from "./port.ts";
import { principalOf } from "./principal.ts";
import { RequestError } from "./request-error.ts";

const KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** Who calls. A malformed `traceparent` is ignored, as W3C Trace Context asks. @throws RequestError `request.header-invalid` */
export function callerOf(c: ApiContext): Caller {
  const idempotencyKey = c.req.header("idempotency-key");
  if (idempotencyKey !== undefined && !KEY.test(idempotencyKey)) {
    const hint = "Idempotency-Key has 1 to 255 printable ASCII characters, for example a UUID.";
    throw new RequestError("request.header-invalid", "the Idempotency-Key cannot be used", hint);
  }
  const traceparent = traceparentOf(c.req.header("traceparent"));
  return {
    actor: principalOf(c).actor,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceparent === null ? {} : { traceparent }),
  };
}
