import * as v from "valibot";

import type { Sql } from "../timeline/database.ts";
import {
  listRedriveItems,
  listRedrives,
  type RedriveItemRow,
  type RedriveRow,
  readRedrive,
} from "../timeline/read-redrives.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import { Limit, QueryText } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { type Redrive, type RedriveDetail, type RedriveItem, RedriveRequest } from "./redrive-schema.ts";
import type { ProblemCode } from "./translate-code.ts";
import { redriveIdOf, unknownRedrive } from "./unknown.ts";
import { Reasoned } from "./verb-schema.ts";

const cursor = v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before")));
const RedriveListQuery = v.strictObject({ limit: Limit, cursor });
const RedriveQuery = v.strictObject({
  status: v.optional(
    v.pipe(
      v.picklist(["waiting", "sent", "done", "failed", "closed"], "is none of waiting, sent, done, failed, closed"),
      v.description("Only its messages that stand so"),
    ),
  ),
  limit: Limit,
  cursor,
});

/** Messages of a new redrive that its answer shows. */
const SHOWN = 10;

/** Redrives of many failed messages. */
export function addRedriveRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/redrives", LIST, async (c) => {
    const query = readQuery(c, RedriveListQuery);
    const before = query.cursor === undefined ? undefined : readCursor(query.cursor, ["redrives"]).id;
    const rows = await listRedrives(sql, before, query.limit + 1);
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const nextCursor = last === undefined ? null : writeCursor({ list: "redrives", id: last.id });
    return c.json({ items: page.map(view), nextCursor });
  });

  app.get("/v1/redrives/:redriveId", GET, async (c) => {
    const query = readQuery(c, RedriveQuery);
    const after = query.cursor === undefined ? 0 : Number(readCursor(query.cursor, ["redrive-items"]).id);
    return c.json(await detail(sql, redriveIdOf(c.req.param("redriveId")), { ...query, after }));
  });

  app.post("/v1/redrives", CREATE, async (c) => {
    const caller = callerOf(c);
    const { filter, messageIds, reason = "", preview, ...pace } = await readBody(c.req.raw, RedriveRequest);
    const selection = filter === undefined ? { messageIds: messageIds ?? [] } : { filter };
    if (preview) return c.json({ preview, ...(await engine.previewRedrive(selection)) });
    const id = await engine.createRedrive({ selection, ...pace }, reason, caller);
    c.header("Location", `/v1/redrives/${id}`);
    return c.json(await detail(sql, id, { status: undefined, after: 0, limit: SHOWN }), 202);
  });

  app.post("/v1/redrives/:redriveId/continue", CONTINUE, async (c) => {
    const id = redriveIdOf(c.req.param("redriveId"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    await engine.continueRedrive(id, reason, caller);
    return c.json(await detail(sql, id, { status: undefined, after: 0, limit: SHOWN }), 202);
  });

  app.post("/v1/redrives/:redriveId/stop", STOP, async (c) => {
    const id = redriveIdOf(c.req.param("redriveId"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    await engine.stopRedrive(id, reason, caller);
    return c.json(await detail(sql, id, { status: undefined, after: 0, limit: SHOWN }), 202);
  });
}

async function detail(
  sql: Sql,
  id: string,
  page: { readonly status?: string | undefined; readonly after: number; readonly limit: number },
): Promise<v.InferOutput<typeof RedriveDetail>> {
  const row = await readRedrive(sql, id);
  if (row === undefined) return unknownRedrive(id);
  const { status, after, limit } = page;
  const rows = await listRedriveItems(sql, id, { status, after, limit: limit + 1 });
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  const nextCursor = last === undefined ? null : writeCursor({ list: "redrive-items", id: String(last.position) });
  return { ...view(row), items: items.map(viewItem), nextCursor };
}

function view(row: RedriveRow): v.InferOutput<typeof Redrive> {
  const { status, problem, selection, reason, actor, total, waiting, sent, done, failed, closed } = row;
  return {
    redriveId: row.id,
    status,
    problem,
    selection,
    reason,
    actor,
    ratePerSecond: row.rate_per_second,
    stopAfterErrors: row.stop_after_errors,
    total,
    waiting,
    sent,
    done,
    failed,
    closed,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}

function viewItem(row: RedriveItemRow): v.InferOutput<typeof RedriveItem> {
  return {
    position: row.position,
    group: row.consumer_group,
    messageId: row.message_id,
    status: row.status,
    republishId: row.republish_id,
    errorCode: row.error_code,
    sentAt: row.sent_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
  };
}

const VERB: readonly ProblemCode[] = ["saga.idempotency-mismatch", "request.header-invalid"];
const REASON = { schema: "Reasoned", description: "Why", required: true } as const;
const DETAIL = { schema: "RedriveDetail" } as const;

const LIST = describe({
  tag: "redrives",
  operationId: "listRedrives",
  access: { role: "viewer", over: "all" },
  summary: "List redrives, newest first",
  query: RedriveListQuery,
  answers: { 200: { description: "A page of redrives", schema: "RedriveList" } },
  problems: ["request.cursor-invalid"],
});

const GET = describe({
  tag: "redrives",
  operationId: "getRedrive",
  access: { role: "viewer", over: "all" },
  summary: "Read a redrive and what became of its messages",
  path: ["redriveId"],
  query: RedriveQuery,
  answers: { 200: { description: "The redrive with a page of its messages", ...DETAIL } },
  problems: ["redrive.unknown", "request.cursor-invalid"],
});

const CREATE = describe({
  tag: "redrives",
  operationId: "createRedrive",
  access: { role: "operator", over: "all" },
  summary: "Send failed messages again",
  description:
    "Which ones is frozen first. One is sent; the rest follow when it was consumed without error. Failures in a row stop it.",
  body: {
    schema: "RedriveRequest",
    description: "Which ones, and how fast",
    required: true,
    example: { filter: { group: "screening", errorCode: "exception" }, reason: "points table mended" },
  },
  answers: {
    200: { description: "With `preview`: what would be sent", schema: "RedrivePreview" },
    202: { description: "Recorded; its first messages are shown", ...DETAIL },
  },
  problems: [...VERB, "redrive.nothing"],
});

const CONTINUE = describe({
  tag: "redrives",
  operationId: "continueRedrive",
  access: { role: "operator", over: "all" },
  summary: "Go on with a redrive that waits",
  path: ["redriveId"],
  body: REASON,
  answers: { 202: { description: "It goes on", ...DETAIL } },
  problems: [...VERB, "redrive.unknown", "redrive.not-waiting", "redrive.ended"],
});

const STOP = describe({
  tag: "redrives",
  operationId: "stopRedrive",
  access: { role: "operator", over: "all" },
  summary: "Stop a redrive",
  description: "Nothing more of it is sent. What is on its way arrives.",
  path: ["redriveId"],
  body: REASON,
  answers: { 202: { description: "It is stopped", ...DETAIL } },
  problems: [...VERB, "redrive.unknown", "redrive.ended"],
});
