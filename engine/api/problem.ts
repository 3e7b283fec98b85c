import type { InferOutput } from "valibot";

import { EngineError } from "../core/error.ts";
import { PROBLEMS_MAX, shortPlace } from "../core/json-scan.ts";
import { Refusal } from "../core/refusal.ts";
import { isRefusedLogin } from "../timeline/database.ts";
import type { ProblemDetails } from "./problem-schema.ts";
import { RequestError, type RequestFault } from "./request-error.ts";
import { type ProblemCode, TRANSLATIONS } from "./translate-code.ts";

/** What a problem says beyond its code. */
interface Saying {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly hint: string;
  readonly errors?: readonly RequestFault[];
  readonly sagaId?: string | undefined;
  readonly errorId?: string;
}

/** A problem document (RFC 9457) for an error that was thrown on purpose; undefined for any other. */
export function problemOf(error: unknown): Response | undefined {
  if (error instanceof RequestError) {
    return problem({ code: error.code, detail: error.message, hint: error.hint, errors: error.faults });
  }
  if (error instanceof Refusal) {
    const told = error.problems.slice(0, PROBLEMS_MAX);
    const errors = told.map(({ path, message }) => ({ pointer: shortPlace(path), detail: message }));
    return problem({ code: error.code, detail: error.message, hint: error.hint, errors, sagaId: error.sagaId });
  }
  if (error instanceof EngineError && error.code === "kafka.unreachable")
    return problem({ code: error.code, detail: error.message, hint: error.hint });
  if (isRefusedLogin(error)) return problem(DATABASE_REFUSES);
  return isDatabaseAway(error) ? problem(DATABASE_AWAY) : undefined;
}

/** The answer for a fault of the engine itself. Nothing of its inside leaves; `errorId` finds it in the log. */
export function internalProblem(errorId: string): Response {
  const hint = `Look for ${errorId} in the engine's log.`;
  return problem({ code: "api.internal", detail: "The engine failed at this request.", hint, errorId });
}

function problem({ code, detail, hint, errors = [], sagaId, errorId }: Saying): Response {
  const { status, title, retryAfter } = TRANSLATIONS[code];
  const body: InferOutput<typeof ProblemDetails> = {
    type: `urn:ekiden:problem:${code}`,
    title,
    status,
    detail,
    code,
    hint,
    ...(errors.length === 0 && status !== 422 ? {} : { errors: [...errors] }),
    ...(sagaId === undefined ? {} : { sagaId }),
    ...(errorId === undefined ? {} : { errorId }),
  };
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (retryAfter !== undefined) headers.set("retry-after", String(retryAfter));
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="ekiden"');
  // The rest of the body is not read; on a connection that stays open it would keep the server from stopping.
  if (code === "request.too-large") headers.set("connection", "close");
  return new Response(JSON.stringify(body), { status, headers });
}

const DATABASE_AWAY: Saying = {
  code: "api.database-unavailable",
  detail: "The database did not answer. Whether a change was made is not known.",
  hint: "Send the request again with the same Idempotency-Key; /health/ready says when the database is back.",
};

/** Errors of the client library and SQLSTATE classes of lost connections, exhausted resources and shutdown. */
const AWAY =
  /^(?:CONNECTION_[A-Z_]+|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|08...|53...|57...|55P03|25P0[34])$/;

const DATABASE_REFUSES: Saying = {
  code: "api.database-unavailable",
  detail: "The database refuses the engine's login. Nothing was changed, or it is not known whether it was.",
  hint: "An operator must mend the login: /health/ready says what PostgreSQL answers. Then send the request again with the same Idempotency-Key.",
};

function isDatabaseAway(error: unknown): boolean {
  return error instanceof Error && "code" in error && AWAY.test(String(error.code));
}
