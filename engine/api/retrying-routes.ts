import * as v from "valibot";

import { listRetryingGroups } from "../timeline/read-retrying.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import { viewErrorGroup } from "./error-group.ts";
import { definitionsFor, principalOf } from "./principal.ts";
import { readQuery } from "./read-query.ts";
import { maskingOf } from "./sensitive.ts";

/** What fails and is still tried, grouped by why. */
export function addRetryingRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/retrying", LIST, async (c) => {
    readQuery(c, v.strictObject({}));
    const principal = principalOf(c);
    const groups = await listRetryingGroups(sql, definitionsFor(principal, undefined));
    const newest = groups.map((group) => group.newest_saga_id);
    const masking = await maskingOf(engine, sql, newest, principal);
    const items = groups.map((group) => {
      const { newest_saga_id: sagaId, step } = group;
      const message = masking.of(sagaId).said(group.said, step === null ? null : `${sagaId}/${step}`);
      return viewErrorGroup(group, { code: group.code, message, step: group.step });
    });
    return c.json({ items, nextCursor: null });
  });
}

const LIST = describe({
  tag: "sagas",
  operationId: "listRetryingGroups",
  access: { role: "viewer", over: "listed" },
  summary: "List why steps are tried again",
  description:
    "Sagas that wait for the next attempt of a step, grouped as parked ones are, by definition, step, consumer group, code and message; `GET /v1/sagas?retryingGroup={groupId}` lists those of a group. Of more than 5,000 such steps those of the newest sagas are looked at.",
  query: v.strictObject({}),
  answers: { 200: { description: "Groups, largest first", schema: "RetryingGroupList" } },
});
