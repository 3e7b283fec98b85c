import { readSaga } from "../timeline/read-sagas.ts";
import { placeOf, readTimeline, type TimelineItem, type TimelinePlace } from "../timeline/read-timeline.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { viewMessages } from "./message-view.ts";
import { principalOf } from "./principal.ts";
import { readQuery } from "./read-query.ts";
import { TimelineQuery } from "./saga-query.ts";
import { sagaIdOf, unknownMessage, unknownSaga } from "./unknown.ts";

/** A part of a timeline, and whether there is more on either side. */
interface Page {
  readonly items: readonly TimelineItem[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

/** A saga's timeline. */
export function addTimelineRoutes(app: Api, parts: ApiParts): void {
  app.get("/v1/sagas/:id/timeline", TIMELINE, async (c) => {
    const { around, limit, cursor } = readQuery(c, TimelineQuery);
    const sagaId = sagaIdOf(c.req.param("id"));
    if ((await readSaga(parts.sql, sagaId)) === undefined) unknownSaga(sagaId);
    const page =
      cursor === undefined
        ? await firstPage(parts, sagaId, around, limit)
        : await nextPage(parts, sagaId, cursor, limit);
    const { items, moreBefore, moreAfter } = page;
    const [first, last] = [items[0], items.at(-1)];
    return c.json({
      items: await viewMessages(parts.engine, parts.sql, items, principalOf(c)),
      nextCursor: moreAfter && last !== undefined ? writeCursor({ list: "timeline", ...last.place }) : null,
      previousCursor: moreBefore && first !== undefined ? writeCursor({ list: "timeline-back", ...first.place }) : null,
    });
  });
}

async function firstPage(parts: ApiParts, sagaId: string, around: string | undefined, limit: number): Promise<Page> {
  if (around === undefined) return forward(parts, sagaId, {}, limit, false);
  const from = (await placeOf(parts.sql, sagaId, around)) ?? unknownMessage(around);
  const before = await backward(parts, sagaId, from, Math.floor(limit / 2));
  const after = await forward(parts, sagaId, { from }, limit - before.items.length, before.moreBefore);
  return { ...after, items: [...before.items, ...after.items] };
}

async function nextPage(parts: ApiParts, sagaId: string, text: string, limit: number): Promise<Page> {
  const { list, id, at = "0" } = readCursor(text, ["timeline", "timeline-back"]);
  const place = { at, id };
  return list === "timeline"
    ? forward(parts, sagaId, { after: place }, limit, true)
    : backward(parts, sagaId, place, limit);
}

type From = { readonly after?: TimelinePlace; readonly from?: TimelinePlace };

async function forward(
  { sql }: ApiParts,
  sagaId: string,
  from: From,
  limit: number,
  moreBefore: boolean,
): Promise<Page> {
  const items = await readTimeline(sql, sagaId, from, limit + 1);
  return { items: items.slice(0, limit), moreBefore, moreAfter: items.length > limit };
}

async function backward({ sql }: ApiParts, sagaId: string, before: TimelinePlace, limit: number): Promise<Page> {
  const items = await readTimeline(sql, sagaId, { before }, limit + 1);
  return { items: items.slice(Math.max(0, items.length - limit)), moreBefore: items.length > limit, moreAfter: true };
}

const TIMELINE = describe({
  tag: "sagas",
  operationId: "getTimeline",
  access: { role: "viewer", over: "saga" },
  summary: "Read a saga's timeline",
  description: "Every message of the saga with its consumptions and failures, oldest first: who, when, what, where.",
  path: ["sagaId"],
  query: TimelineQuery,
  answers: { 200: { description: "A page of the timeline", schema: "Timeline" } },
  problems: ["saga.unknown", "message.unknown", "request.cursor-invalid"],
});
