import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import type { RebuildReport } from "./port.ts";
import { principalOf } from "./principal.ts";
import { readQuery } from "./read-query.ts";
import { RepublishRequest, VerifyQuery } from "./recovery-schema.ts";
import type { Reader } from "./sensitive.ts";
import { groupOf, runIdOf } from "./unknown.ts";
import { Reasoned } from "./verb-schema.ts";

/** What a payload without the right to read it looks like. */
const HIDDEN = "***";

/** Recovery from the event store. */
export function addRecoveryRoutes(app: Api, { engine }: ApiParts): void {
  app.post("/v1/republish", REPUBLISH, async (c) => {
    const caller = callerOf(c);
    const { saga: sagaId, preview = false, reason = "", ...rest } = await readBody(c.req.raw, RepublishRequest);
    const report = await engine.republish({ ...rest, sagaId }, { preview, reason }, caller);
    return c.json(report, report.state === "running" ? 202 : 200);
  });

  app.get("/v1/republish/:run", GET_REPUBLISH, async (c) =>
    c.json(await engine.republished(runIdOf(c.req.param("run")))),
  );

  app.post("/v1/projections/:group/rebuild", REBUILD, async (c) => {
    const group = groupOf(c.req.param("group"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return c.json(rebuildView(await engine.rebuild(group, reason, caller), principalOf(c)), 202);
  });

  app.get("/v1/projections/:group/rebuild", GET_REBUILD, async (c) =>
    c.json(rebuildView(await engine.rebuilt(groupOf(c.req.param("group"))), principalOf(c))),
  );

  app.get("/v1/verify", VERIFY, async (c) => {
    const { saga: sagaId, cursor, ...rest } = readQuery(c, VerifyQuery);
    const after = cursor === undefined ? undefined : readCursor(cursor, ["verify"]).id;
    const { last, differences, ...report } = await engine.verify({ ...rest, sagaId, after });
    const shown = differences.map((each) =>
      principalOf(c).payloads ? each : { ...each, folded: HIDDEN, stored: HIDDEN },
    );
    return c.json({
      ...report,
      differences: shown,
      nextCursor: last === null ? null : writeCursor({ list: "verify", id: last }),
    });
  });
}

/** What a projection says of a failure may be made of what it has read, besides the events whose values are masked in it. */
function rebuildView(report: RebuildReport, { payloads }: Reader): RebuildReport {
  return payloads || report.problem === null ? report : { ...report, problem: HIDDEN };
}

const REBUILD = describe({
  tag: "consumer groups",
  operationId: "rebuildProjection",
  access: { role: "operator", over: "all" },
  summary: "Build a projection anew from the event store",
  description:
    "Carried out by a process that runs its domain, while the projection goes on; readers see the old rows until the new ones take their place.",
  path: ["projection"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: { 202: { description: "Recorded, or the one that is not done yet", schema: "RebuildReport" } },
  problems: ["group.unknown", "projection.history-forgotten", "saga.idempotency-mismatch", "request.header-invalid"],
});

const GET_REBUILD = describe({
  tag: "consumer groups",
  operationId: "getRebuild",
  access: { role: "viewer", over: "all" },
  summary: "Read how far the newest rebuild of a projection is",
  path: ["projection"],
  answers: { 200: { description: "The rebuild", schema: "RebuildReport" } },
  problems: ["group.unknown"],
});

const VERIFY = describe({
  tag: "sagas",
  operationId: "verify",
  access: { role: "viewer", over: "all" },
  summary: "Verify sagas against their events",
  description:
    "Folds sagas, oldest first, from the events that moved them, and compares with what is stored. Changes nothing.",
  query: VerifyQuery,
  answers: { 200: { description: "What a page of sagas has shown", schema: "VerifyReport" } },
  problems: ["saga.unknown", "request.cursor-invalid"],
});

const REPUBLISH = describe({
  tag: "messages",
  operationId: "republish",
  access: { role: "operator", over: "all" },
  summary: "Send requests again from the event store",
  description:
    "Same ids, keys, headers and bodies, through the same path, in the order in which they were written. Always safe: consumers that have done one skip it.",
  body: {
    schema: "RepublishRequest",
    description: "Which, and why",
    required: true,
    example: { since: "2026-01-31T12:00:00Z", missingOnly: true, reason: "the slot was lost" },
  },
  answers: {
    200: { description: "Done, or counted for a preview", schema: "RepublishReport" },
    202: { description: "Recorded, and going on in the background", schema: "RepublishReport" },
  },
  problems: ["saga.idempotency-mismatch", "request.header-invalid"],
});

const GET_REPUBLISH = describe({
  tag: "messages",
  operationId: "getRepublish",
  access: { role: "viewer", over: "all" },
  summary: "Read how far a republishing is",
  path: ["run"],
  answers: { 200: { description: "The run", schema: "RepublishReport" } },
  problems: ["republish.unknown"],
});
