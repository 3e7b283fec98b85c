import * as v from "valibot";

import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import type { RewindTarget } from "./port.ts";
import { queryFlag } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import type { ProblemCode } from "./translate-code.ts";
import { groupOf } from "./unknown.ts";
import { MaybeReasoned, RewindRequest } from "./verb-schema.ts";

const RewindQuery = v.strictObject({
  preview: v.optional(queryFlag("true: says what would happen and moves nothing"), "false"),
});

/** Audited when the caller gives no reason. */
const NO_REASON = "none given";

/** Consumer groups: where they stand, and moving them. */
export function addGroupRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/consumer-groups", LIST, async (c) => c.json({ items: await engine.groups(), nextCursor: null }));

  app.get("/v1/consumer-groups/:group", GET, async (c) => c.json(await engine.group(groupOf(c.req.param("group")))));

  app.post("/v1/consumer-groups/:group/pause", PAUSE, async (c) => {
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason = NO_REASON } = await readBody(c.req.raw, MaybeReasoned);
    await engine.pause(group, reason, caller);
    return c.json(await engine.group(group));
  });

  app.post("/v1/consumer-groups/:group/resume", RESUME, async (c) => {
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason = NO_REASON } = await readBody(c.req.raw, MaybeReasoned);
    await engine.resume(group, reason, caller);
    return c.json(await engine.group(group));
  });

  app.post("/v1/consumer-groups/:group/rewind", REWIND, async (c) => {
    const { preview } = readQuery(c, RewindQuery);
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason = NO_REASON, ...target } = await readBody(c.req.raw, RewindRequest);
    return c.json(await engine.rewind(group, target satisfies RewindTarget, { preview, reason }, caller));
  });
}

const ONE = { 200: { description: "The group", schema: "ConsumerGroup" } } as const;
const VERB: readonly ProblemCode[] = ["group.unknown", "saga.idempotency-mismatch", "request.header-invalid"];

const LIST = describe({
  tag: "consumer groups",
  operationId: "listConsumerGroups",
  summary: "List consumer groups",
  answers: { 200: { description: "All groups with their lag", schema: "ConsumerGroupList" } },
});

const GET = describe({
  tag: "consumer groups",
  operationId: "getConsumerGroup",
  summary: "Read a consumer group",
  path: ["group"],
  answers: ONE,
  problems: ["group.unknown"],
});

const PAUSE = describe({
  tag: "consumer groups",
  operationId: "pauseConsumerGroup",
  summary: "Pause a consumer group",
  description: "What is in progress ends; nothing further is taken until it is resumed, also after a restart.",
  path: ["group"],
  body: { schema: "MaybeReasoned", description: "Why", required: false },
  answers: ONE,
  problems: VERB,
});

const RESUME = describe({
  tag: "consumer groups",
  operationId: "resumeConsumerGroup",
  summary: "Resume a consumer group",
  path: ["group"],
  body: { schema: "MaybeReasoned", description: "Why", required: false },
  answers: ONE,
  problems: [...VERB, "group.held"],
});

const REWIND = describe({
  tag: "consumer groups",
  operationId: "rewindConsumerGroup",
  summary: "Rewind a consumer group",
  description:
    "Always safe: what was done is skipped, what failed and is still wanted runs again, what a saga gave up stays given up.",
  path: ["group"],
  query: RewindQuery,
  body: {
    schema: "RewindRequest",
    description: "Where to",
    required: true,
    example: { firstError: true, reason: "points table mended" },
  },
  answers: { 200: { description: "What was, or would be, moved", schema: "RewindReport" } },
  problems: [...VERB, "message.unknown", "group.offset-out-of-range", "group.nothing-to-rewind", "group.rewind-failed"],
});
