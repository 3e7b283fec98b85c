import * as v from "valibot";

import { isJsonObject } from "../core/json.ts";
import { isUlid } from "../timeline/ids.ts";
import { type AuditRow, readAudit } from "../timeline/read-audit.ts";
import { hashAt, verifyAudit } from "../timeline/verify-audit.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { principalOf } from "./principal.ts";
import { Limit, QueryText, queryTime, queryUlid } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { maskingOf } from "./sensitive.ts";

const AuditQuery = v.strictObject({
  actor: v.optional(v.pipe(QueryText, v.description("Done by"))),
  action: v.optional(v.pipe(QueryText, v.description("This action"), v.examples(["group.rewind"]))),
  target: v.optional(v.pipe(QueryText, v.description("Done to this saga, message or consumer group"))),
  saga: v.optional(queryUlid("Done to this saga, or to a message of it")),
  since: v.optional(queryTime("Done at or after this time")),
  limit: Limit,
  cursor: v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before"))),
});

const VerificationQuery = v.strictObject({
  expect: v.optional(
    v.pipe(
      v.string(),
      v.description("A `head` that was answered before"),
      v.regex(/^[1-9]\d{0,14}:[0-9a-f]{64}$/, "is no `<position>:<hash>`"),
      v.transform((text) => ({ position: Number(text.split(":")[0]), hash: text.split(":")[1] ?? "" })),
    ),
  ),
});

/** What operators did. */
export function addAuditRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/audit/verification", VERIFY, async (c) => {
    const { expect } = readQuery(c, VerificationQuery);
    const { rows, head, faults } = await verifyAudit(sql);
    const unexpected =
      expect === undefined || (await hashAt(sql, expect.position)) === expect.hash
        ? []
        : [{ position: expect.position, auditId: "", fault: "unexpected" }];
    const found = [...unexpected, ...faults];
    return c.json({
      whole: found.length === 0,
      rows,
      head: head === null ? null : `${head.position}:${head.hash}`,
      faults: found,
    });
  });

  app.get("/v1/audit", LIST, async (c) => {
    const { cursor, limit, ...filter } = readQuery(c, AuditQuery);
    const place = cursor === undefined ? undefined : readCursor(cursor, ["audit"]);
    const before = place === undefined ? undefined : { id: place.id, at: place.at ?? "0" };
    const rows = await readAudit(sql, { ...filter, before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    const of = (row: AuditRow) => filter.saga ?? sagaOf(row);
    const masking = await maskingOf(engine, sql, [...new Set(page.map(of).filter(isUlid))], principalOf(c));
    const items = page.map((row) => view(row, masking.of(of(row))));
    return c.json({
      items,
      nextCursor: last === undefined ? null : writeCursor({ list: "audit", id: last.id, at: last.placed_at }),
    });
  });
}

/** The saga that an entry is about: its target, or that of the message which is. */
function sagaOf({ target, after }: AuditRow): string {
  const sagaId = isJsonObject(after) ? after["sagaId"] : undefined;
  return typeof sagaId === "string" ? sagaId : target;
}

function view(row: AuditRow, masking: ReturnType<Awaited<ReturnType<typeof maskingOf>>["of"]>) {
  const { id, at, actor, action, target, reason, before, after } = row;
  return {
    id,
    at: at.toISOString(),
    actor,
    action,
    target,
    reason: masking.text(reason),
    before: masking.value(before),
    after: masking.value(after),
  };
}

const LIST = describe({
  tag: "audit",
  operationId: "listAudit",
  access: { role: "viewer", over: "all" },
  summary: "List what operators did, newest first",
  query: AuditQuery,
  answers: { 200: { description: "A page of the audit", schema: "AuditList" } },
  problems: ["request.cursor-invalid"],
});

const VERIFY = describe({
  tag: "audit",
  operationId: "verifyAudit",
  summary: "Verify that the audit is as it was written",
  description:
    "Each entry is sealed by a hash over itself and the hash of the one before, in the order of their commits. Reads all of it.",
  access: { role: "viewer", over: "all" },
  query: VerificationQuery,
  answers: { 200: { description: "What was found", schema: "AuditVerification" } },
});
