import { expect, test } from "bun:test";
import * as v from "valibot";

import { ProblemDetails } from "../../engine/api/problem-schema.ts";
import { createApi } from "../../engine/api/server.ts";
import { TRANSLATIONS } from "../../engine/api/translate-code.ts";
import { Refusal, type RefusalCode } from "../../engine/core/refusal.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

/** These calls end before any table is read. */
const NO_DATABASE = {} as Sql;

function startAgainst(thrown: unknown, log = keptLog()) {
  const engine = readingEngine({ start: () => Promise.reject(thrown) });
  const app = createApi({ engine, sql: NO_DATABASE, log });
  return app.request("/v1/sagas/onboarding", {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
}

const STATUSES = {
  "saga.unknown-definition": 404,
  "saga.unknown": 404,
  "saga.input-invalid": 422,
  "saga.key-open": 409,
  "saga.idempotency-mismatch": 422,
  "saga.final": 409,
  "saga.not-parked": 409,
  "saga.past-pivot": 409,
  "saga.pivot-skipped": 409,
  "saga.step-running": 409,
  "saga.step-without-result": 409,
  "saga.result-invalid": 422,
  "saga.unknown-step": 422,
  "saga.busy": 503,
  "stream.full": 503,
  "engine.busy": 503,
  "signal.invalid": 422,
  "message.unknown": 404,
  "message.too-large": 413,
  "message.not-editable": 409,
  "message.not-dismissible": 409,
  "message.edit-invalid": 422,
  "redrive.unknown": 404,
  "redrive.nothing": 409,
  "redrive.not-waiting": 409,
  "redrive.ended": 409,
  "group.unknown": 404,
  "group.offset-out-of-range": 422,
  "group.nothing-to-rewind": 409,
  "group.rewind-forward": 409,
  "group.history-forgotten": 422,
  "group.rewind-failed": 503,
  "pipeline.unmanaged": 409,
  "pipeline.connect-unavailable": 503,
  "projection.history-forgotten": 409,
  "republish.unknown": 404,
  "group.held": 409,
  "recovery.running": 409,
  "partition.unknown": 404,
  "partition.open": 409,
  "partition.dropped": 409,
  "partition.in-use": 409,
  "partition.not-exported": 409,
  "partition.busy": 503,
  "definition.unknown-revision": 404,
  "definition.retired": 409,
  "key.unknown": 404,
  "key.name-taken": 409,
  "key.first-admin": 409,
} as const satisfies Record<RefusalCode, number>;

test.each(Object.entries(STATUSES) as [RefusalCode, number][])(
  "%s answers %i as a problem document",
  async (code, status) => {
    const response = await startAgainst(new Refusal(code, "what happened", "what to do"));
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(v.parse(ProblemDetails, await response.json())).toEqual({
      type: `urn:ekiden:problem:${code}`,
      title: TRANSLATIONS[code].title,
      status,
      detail: "what happened",
      code,
      hint: "what to do",
      ...(status === 422 ? { errors: [] } : {}),
    });
  },
);

test("a busy saga says when to come back", async () => {
  const response = await startAgainst(new Refusal("saga.busy", "locked", "again"));
  expect(response.headers.get("retry-after")).toBe("1");
});

test("an input that does not fit names each place", async () => {
  const problems = [{ path: "/applicant/age", message: "is no integer" }];
  const response = await startAgainst(new Refusal("saga.input-invalid", "no", "mend it", { problems }));
  expect(await response.json()).toMatchObject({ errors: [{ pointer: "/applicant/age", detail: "is no integer" }] });
});

test("an open business key names the saga that has it", async () => {
  const sagaId = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";
  const response = await startAgainst(new Refusal("saga.key-open", "open", "use it", { sagaId }));
  expect(await response.json()).toMatchObject({ code: "saga.key-open", sagaId });
});

test("an unexpected error shows nothing of the inside and is found in the log by its id", async () => {
  const log = keptLog();
  const thrown = new Error("secret: /etc/ekiden password=hunter2");
  const response = await startAgainst(thrown, log);
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toContain("hunter2");
  const { errorId } = v.parse(ProblemDetails, JSON.parse(text));
  expect(log.errors).toEqual([{ errorId, method: "POST", path: "/v1/sagas/onboarding", error: thrown }]);
});

test.each(["CONNECTION_CLOSED", "ECONNREFUSED", "57P01", "53300", "08006"])(
  "a database that is away (%s) answers 503",
  async (code) => {
    const response = await startAgainst(Object.assign(new Error("gone"), { code }));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  },
);
