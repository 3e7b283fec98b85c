import type { InferOutput } from "valibot";

import type { Sql } from "../timeline/database.ts";
import { readRevisionsOf } from "../timeline/read-sensitive.ts";
import {
  placeOf,
  placeOfStep,
  readTimeline,
  type TimelineItem,
  type TimelineRange,
} from "../timeline/read-timeline.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { inCausalOrder } from "./causal-order.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { viewMessages } from "./message-view.ts";
import { principalOf } from "./principal.ts";
import { readQuery } from "./read-query.ts";
import { TimelineQuery } from "./saga-query.ts";
import { isHiding } from "./sensitive.ts";
import { sagaIdOf, unknownMessage, unknownSaga } from "./unknown.ts";

/** A part of a timeline, and whether there is more on either side. */
interface Page {
  readonly items: readonly TimelineItem[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

/** One saga's timeline, read page by page; `bodies` false: without them. */
interface Reading {
  readonly sql: Sql;
  readonly sagaId: string;
  readonly limit: number;
  readonly bodies: boolean;
}

/** A saga's timeline. */
export function addTimelineRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/sagas/:id/timeline", TIMELINE, async (c) => {
    const { limit, cursor, bodies, ...start } = readQuery(c, TimelineQuery);
    const sagaId = sagaIdOf(c.req.param("id"));
    // Not the whole row: its input alone may be longer than the page.
    const [saga = unknownSaga(sagaId)] = await readRevisionsOf(sql, [sagaId]);
    const reader = principalOf(c);
    // An error may quote what only a body tells to be hidden.
    const reading = { sql, sagaId, limit, bodies: bodies || (await isHiding(engine, saga, reader)) };
    const page = cursor === undefined ? await firstPage(reading, start) : await nextPage(reading, cursor);
    const { items, moreBefore, moreAfter } = page;
    const [first, last] = [items[0], items.at(-1)];
    // The cursors go by the places of the first and the last in the table's order.
    const views = await viewMessages(engine, sql, inCausalOrder(items), reader);
    return c.json({
      items: bodies ? views : views.map(({ body: _body, ...view }) => view),
      nextCursor: moreAfter && last !== undefined ? writeCursor({ list: "timeline", ...last.place }) : null,
      previousCursor: moreBefore && first !== undefined ? writeCursor({ list: "timeline-back", ...first.place }) : null,
    });
  });
}

/** Where a timeline is first looked at. */
type Start = Pick<InferOutput<typeof TimelineQuery>, "around" | "step" | "newest">;

async function firstPage(reading: Reading, { around, step, newest }: Start): Promise<Page> {
  const { sql, sagaId, limit } = reading;
  const from =
    around !== undefined
      ? ((await placeOf(sql, sagaId, around)) ?? unknownMessage(around))
      : step !== undefined
        ? await placeOfStep(sql, sagaId, step)
        : undefined;
  if (from === undefined) return newest || step !== undefined ? newestPage(reading) : forward(reading, {}, false);
  const before = await backward({ ...reading, limit: Math.floor(limit / 2) }, { before: from });
  const rest = { ...reading, limit: limit - before.items.length };
  const after = await forward(rest, { from }, before.moreBefore);
  return { ...after, items: [...before.items, ...after.items] };
}

/** Nothing lies behind it. */
async function newestPage(reading: Reading): Promise<Page> {
  return { ...(await backward(reading, { newest: true })), moreAfter: false };
}

async function nextPage(reading: Reading, text: string): Promise<Page> {
  const { list, id, at = "0" } = readCursor(text, ["timeline", "timeline-back"]);
  const place = { at, id };
  return list === "timeline" ? forward(reading, { after: place }, true) : backward(reading, { before: place });
}

async function forward(reading: Reading, from: TimelineRange, moreBefore: boolean): Promise<Page> {
  const { limit } = reading;
  const items = await read(reading, from);
  return { items: items.slice(0, limit), moreBefore, moreAfter: items.length > limit };
}

async function backward(reading: Reading, before: TimelineRange): Promise<Page> {
  const { limit } = reading;
  const items = await read(reading, before);
  return { items: items.slice(Math.max(0, items.length - limit)), moreBefore: items.length > limit, moreAfter: true };
}

/** One more than the page has, which tells whether there is another. */
function read({ sql, sagaId, limit, bodies }: Reading, range: TimelineRange): Promise<readonly TimelineItem[]> {
  return readTimeline(sql, sagaId, range, { limit: limit + 1, bodies });
}

const TIMELINE = describe({
  tag: "sagas",
  operationId: "getTimeline",
  access: { role: "viewer", over: "saga" },
  summary: "Read a saga's timeline",
  description:
    "Every message of the saga with its consumptions and failures, oldest first, on a page each behind its cause: who, when, what, where. The first page is " +
    "`around` a message, about a `step`, the `newest` or else the oldest; the cursors lead both ways from there.",
  path: ["sagaId"],
  query: TimelineQuery,
  answers: { 200: { description: "A page of the timeline", schema: "Timeline" } },
  problems: ["saga.unknown", "message.unknown", "request.cursor-invalid"],
});
