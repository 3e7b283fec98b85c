import * as v from "valibot";

import type { Json } from "../core/json.ts";
import { listMessages, readMessages } from "../timeline/read-messages.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import { viewMessages } from "./message-view.ts";
import { definitionsFor, principalOf } from "./principal.ts";
import { Limit, QueryText, queryFlag, queryUlid } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { messageIdOf, unknownMessage } from "./unknown.ts";
import { MessageRedriveRequest, Reasoned } from "./verb-schema.ts";

const MessageListQuery = v.strictObject({
  error: v.optional(queryFlag("true: in error; false: not")),
  group: v.optional(v.pipe(QueryText, v.description("Consumed by this group; with `error`, in error there"))),
  topic: v.optional(v.pipe(QueryText, v.description("Topic"))),
  saga: v.optional(queryUlid("Id of the saga")),
  stepKey: v.optional(
    v.pipe(QueryText, v.description("About this step of a saga, each attempt and each answer: `stepKey` of a message")),
  ),
  bodies: v.optional(queryFlag("false: without bodies; `GET /v1/messages/{messageId}` has each"), "true"),
  limit: Limit,
  cursor: v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before"))),
});

/** Messages and what became of them. */
export function addMessageRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/messages", LIST, async (c) => {
    const { limit, cursor, bodies, saga, ...filter } = readQuery(c, MessageListQuery);
    const before = cursor === undefined ? undefined : readCursor(cursor, ["messages"]).id;
    const definitions = definitionsFor(principalOf(c), undefined);
    const rows = await listMessages(sql, { ...filter, sagaId: saga, definitions, before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    const nextCursor = last === undefined ? null : writeCursor({ list: "messages", id: last.message.message_id });
    const views = await viewMessages(engine, sql, page, principalOf(c));
    return c.json({ items: bodies ? views : views.map(({ body: _body, ...view }) => view), nextCursor });
  });

  app.get("/v1/messages/:messageId", GET, async (c) => {
    const messageId = messageIdOf(c.req.param("messageId"));
    const [view] = await viewMessages(engine, sql, await readMessages(sql, [messageId]), principalOf(c));
    return c.json(view ?? unknownMessage(messageId));
  });

  app.post("/v1/messages/:messageId/redrive", REDRIVE, async (c) => {
    const messageId = messageIdOf(c.req.param("messageId"));
    const caller = callerOf(c);
    const { reason = "", body, preview } = await readBody(c.req.raw, MessageRedriveRequest);
    if (preview) return c.json({ preview, messageId, ...(await engine.previewEdit(messageId, body as Json)) });
    if (body !== undefined) {
      const edited = await engine.edit(messageId, body as Json, reason, caller);
      return c.json({ ...edited, republishId: null, doneBy: [], settled: false }, 202);
    }
    return c.json({ ...(await engine.redrive(messageId, reason, caller)), supersededBy: null }, 202);
  });

  app.post("/v1/messages/:messageId/dismiss", DISMISS, async (c) => {
    const messageId = messageIdOf(c.req.param("messageId"));
    const { reason } = await readBody(c.req.raw, Reasoned);
    return c.json(await engine.dismiss(messageId, reason, callerOf(c)));
  });
}

const LIST = describe({
  tag: "messages",
  operationId: "listMessages",
  access: { role: "viewer", over: "listed" },
  summary: "List messages, newest first",
  query: MessageListQuery,
  answers: { 200: { description: "A page of messages", schema: "MessageList" } },
  problems: ["request.cursor-invalid"],
});

const GET = describe({
  tag: "messages",
  operationId: "getMessage",
  access: { role: "viewer", over: "message" },
  summary: "Read a message",
  path: ["messageId"],
  answers: { 200: { description: "The request with its consumptions and failures", schema: "Message" } },
  problems: ["message.unknown"],
});

const REDRIVE = describe({
  tag: "messages",
  operationId: "redriveMessage",
  access: { role: "operator", over: "message" },
  summary: "Send a message again",
  description:
    "Same id: consumers that have done it skip it, those in error run it. With `body`: a command or compensation that has not run, and that its saga waits for or is parked at, is replaced by a new message with this body; the old one never runs. With `preview` as well: only says whether the body fits.",
  path: ["messageId"],
  body: { schema: "MessageRedriveRequest", description: "Why, and the edited body if there is one", required: true },
  answers: {
    200: { description: "With `preview`: the edited body fits, as far as is known", schema: "EditPreview" },
    202: { description: "Recorded", schema: "Redriven" },
  },
  problems: [
    "message.unknown",
    "message.not-editable",
    "message.edit-invalid",
    "message.too-large",
    "saga.final",
    "saga.busy",
    "saga.idempotency-mismatch",
    "request.header-invalid",
  ],
});

const DISMISS = describe({
  tag: "messages",
  operationId: "dismissMessage",
  access: { role: "operator", over: "message" },
  summary: "Dismiss a failed message",
  description:
    "For a failure that nothing else ends: of a message that is not the engine's, or of one that was to start a saga. It is in error no more, and a rewind passes it over; what became of it stays on record.",
  path: ["messageId"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: { 200: { description: "Nobody has it in error any more", schema: "Dismissed" } },
  problems: ["message.unknown", "message.not-dismissible", "saga.idempotency-mismatch", "request.header-invalid"],
});
