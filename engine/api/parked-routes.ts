import * as v from "valibot";

import { listParked, listParkedGroups } from "../timeline/read-parked.ts";
import { readSagasById } from "../timeline/read-sagas.ts";
import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { viewErrorGroup } from "./error-group.ts";
import { definitionsFor, principalOf } from "./principal.ts";
import { Limit, QueryText } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { STEPS_READ, viewSagas } from "./saga-view.ts";

const ParkedQuery = v.strictObject({
  limit: Limit,
  cursor: v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before"))),
});

/** What waits for a person, grouped by why. */
export function addParkedRoutes(app: Api, { engine, sql }: ApiParts): void {
  const viewsOf = async (c: ApiContext, ids: readonly string[]) => {
    const views = await viewSagas(engine, sql, await readSagasById(sql, ids, STEPS_READ), principalOf(c));
    return new Map(views.map((view) => [view.sagaId, view]));
  };

  app.get("/v1/parked", LIST, async (c) => {
    readQuery(c, v.strictObject({}));
    const groups = await listParkedGroups(sql, definitionsFor(principalOf(c), undefined));
    const views = await viewsOf(
      c,
      groups.map((group) => group.newest_saga_id),
    );
    const items = groups.map((group) => viewErrorGroup(group, views.get(group.newest_saga_id)?.error ?? null));
    return c.json({ items, nextCursor: null });
  });

  app.get("/v1/parked/:groupId", GROUP, async (c) => {
    const { limit, cursor } = readQuery(c, ParkedQuery);
    const before = cursor === undefined ? undefined : readCursor(cursor, ["sagas"]).id;
    const definitions = definitionsFor(principalOf(c), undefined);
    const rows = await listParked(sql, c.req.param("groupId"), definitions, before, limit + 1);
    const page = rows.slice(0, limit);
    const views = await viewsOf(
      c,
      page.map((row) => row.saga_id),
    );
    const items = page.map((row) => ({
      sagaId: row.saga_id,
      key: views.get(row.saga_id)?.key ?? null,
      step: row.step,
      error: views.get(row.saga_id)?.error ?? null,
      parkedAt: row.parked_at.toISOString(),
      messageId: row.message_id,
      action: row.action,
      topic: row.topic,
      inError: row.in_error,
      consumerGroup: row.consumer_group,
    }));
    const last = rows.length > page.length ? page.at(-1) : undefined;
    return c.json({ items, nextCursor: last === undefined ? null : writeCursor({ list: "sagas", id: last.saga_id }) });
  });
}

const LIST = describe({
  tag: "sagas",
  operationId: "listParkedGroups",
  access: { role: "viewer", over: "listed" },
  summary: "List why sagas are parked",
  description:
    "Parked sagas grouped by definition, step, consumer group, code and message; ids, numbers and quoted words of the message do not tell groups apart. Of more than 5,000 parked sagas the newest are looked at.",
  query: v.strictObject({}),
  answers: { 200: { description: "Groups, largest first", schema: "ParkedGroupList" } },
});

const GROUP = describe({
  tag: "sagas",
  operationId: "listParked",
  access: { role: "viewer", over: "listed" },
  summary: "List the sagas of a group of parked ones",
  description: "A group that nobody is parked in any more is an empty page.",
  path: ["parkedGroup"],
  query: ParkedQuery,
  answers: { 200: { description: "A page of parked sagas", schema: "ParkedSagaList" } },
  problems: ["request.cursor-invalid"],
});
