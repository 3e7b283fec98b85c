import * as v from "valibot";

import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import type { GroupMovedView, RewindTarget } from "./port.ts";
import { queryFlag } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { RequestError } from "./request-error.ts";
import type { ProblemCode } from "./translate-code.ts";
import { groupOf } from "./unknown.ts";
import { Reasoned, RewindRequest } from "./verb-schema.ts";

const RewindQuery = v.strictObject({
  preview: v.optional(queryFlag("true: says what would happen and moves nothing"), "false"),
});

/** A preview is not audited. */
const NO_REASON = "none given";

/** A preview moves nothing; what moves must be justified. */
const NEEDS_REASON = new RequestError(
  "request.body-invalid",
  "a rewind needs a reason",
  "Say why in `reason`; with `?preview=true` nothing is moved and none is needed.",
  [{ pointer: "/reason", detail: "is missing" }],
);

/** Consumer groups: where they stand, and moving them. */
export function addGroupRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/consumer-groups", LIST, async (c) => c.json({ items: await engine.groups(), nextCursor: null }));

  app.get("/v1/consumer-groups/:group", GET, async (c) => c.json(await engine.group(groupOf(c.req.param("group")))));

  app.post("/v1/consumer-groups/:group/pause", PAUSE, async (c) => {
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return moved(c, await engine.pause(group, reason, caller));
  });

  app.post("/v1/consumer-groups/:group/resume", RESUME, async (c) => {
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return moved(c, await engine.resume(group, reason, caller));
  });

  app.post("/v1/consumer-groups/:group/rewind", REWIND, async (c) => {
    const { preview } = readQuery(c, RewindQuery);
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason, ...target } = await readBody(c.req.raw, RewindRequest);
    if (!preview && reason === undefined) throw NEEDS_REASON;
    return c.json(
      await engine.rewind(group, target satisfies RewindTarget, { preview, reason: reason ?? NO_REASON }, caller),
    );
  });
}

function moved(c: ApiContext, { group, replayed }: GroupMovedView): Response {
  if (replayed) c.header("Idempotent-Replayed", "true");
  return c.json(group);
}

const MOVED = {
  200: {
    description:
      "The group. `Idempotent-Replayed: true`: as it was answered to an earlier call with the same Idempotency-Key",
    schema: "ConsumerGroup",
  },
} as const;
const ONE = { 200: { description: "The group", schema: "ConsumerGroup" } } as const;
const VERB: readonly ProblemCode[] = [
  "group.unknown",
  "saga.idempotency-mismatch",
  "request.header-invalid",
  "kafka.unreachable",
];

const LIST = describe({
  tag: "consumer groups",
  operationId: "listConsumerGroups",
  access: { role: "viewer", over: "all" },
  summary: "List consumer groups",
  answers: { 200: { description: "All groups with their lag", schema: "ConsumerGroupList" } },
  problems: ["kafka.unreachable"],
});

const GET = describe({
  tag: "consumer groups",
  operationId: "getConsumerGroup",
  access: { role: "viewer", over: "all" },
  summary: "Read a consumer group",
  path: ["group"],
  answers: ONE,
  problems: ["group.unknown", "kafka.unreachable"],
});

const PAUSE = describe({
  tag: "consumer groups",
  operationId: "pauseConsumerGroup",
  access: { role: "operator", over: "all" },
  summary: "Pause a consumer group",
  description: "What is in progress ends; nothing further is taken until it is resumed, also after a restart.",
  path: ["group"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: MOVED,
  problems: VERB,
});

const RESUME = describe({
  tag: "consumer groups",
  operationId: "resumeConsumerGroup",
  access: { role: "operator", over: "all" },
  summary: "Resume a consumer group",
  path: ["group"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: MOVED,
  problems: [...VERB, "group.held"],
});

const REWIND = describe({
  tag: "consumer groups",
  operationId: "rewindConsumerGroup",
  access: { role: "operator", over: "all" },
  summary: "Rewind a consumer group",
  description:
    "Always safe: what was done is skipped, what failed and is still wanted runs again, what a saga gave up stays given up. A preview counts what the topics hold no more; without `leaveExpired` such a rewind is refused. A message, a time and the first error can be narrowed to one topic or one partition. `reason` is needed unless it is a preview.",
  path: ["group"],
  query: RewindQuery,
  body: {
    schema: "RewindRequest",
    description: "Where to",
    required: true,
    example: { firstError: true, reason: "points table mended" },
  },
  answers: { 200: { description: "What was, or would be, moved", schema: "RewindReport" } },
  problems: [
    ...VERB,
    "message.unknown",
    "group.offset-out-of-range",
    "group.nothing-to-rewind",
    "group.rewind-forward",
    "group.history-forgotten",
    "group.rewind-failed",
  ],
});
