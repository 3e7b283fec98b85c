import type * as v from "valibot";

import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import type { Pipeline } from "./pipeline-schema.ts";
import type { HeartbeatView, PipelineView } from "./port.ts";
import { Reasoned } from "./verb-schema.ts";

/** The way of a message: where it stands, and restarting the connector. */
export function addPipelineRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/pipeline", GET, async (c) => c.json(viewOf(await engine.pipeline())));

  app.post("/v1/pipeline/restart", RESTART, async (c) => {
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    await engine.restartPipeline(reason, caller);
    return c.json(viewOf(await engine.pipeline()));
  });
}

type View = v.InferOutput<typeof Pipeline>;

function viewOf({ relay, heartbeat, groups, topics, parts, ...rest }: PipelineView): View {
  const publication = relay?.publication ?? null;
  return {
    ...rest,
    connector: relay === null ? null : connectorOf(relay.connector),
    slot: relay?.slot ?? null,
    publication: publication && { ...publication, tables: publication.tables && [...publication.tables] },
    loss: lossOf(relay?.loss ?? null),
    heartbeat: heartbeatOf(heartbeat),
    groups: [...groups],
    topics: topics.map((topic) => ({ ...topic, groups: [...topic.groups] })),
    parts: [...parts],
  };
}

function connectorOf(connector: NonNullable<PipelineView["relay"]>["connector"]): View["connector"] {
  return {
    ...connector,
    tasks: [...connector.tasks],
    lastFailureAt: connector.lastFailureAt?.toISOString() ?? null,
  };
}

function lossOf(loss: NonNullable<PipelineView["relay"]>["loss"]): View["loss"] {
  if (loss === null) return null;
  return { ...loss, since: loss.since?.toISOString() ?? null, until: loss.until?.toISOString() ?? null };
}

function heartbeatOf({ last, ageMs, outMs }: HeartbeatView): View["heartbeat"] {
  if (last === null) return { last, ageMs, outMs };
  const { messageId, writtenAt, recordedAt, receivedAt, returnedAt } = last;
  const between = (from: Date, to: Date) => to.getTime() - from.getTime();
  return {
    last: {
      messageId,
      writtenAt: writtenAt.toISOString(),
      recordedAt: recordedAt.toISOString(),
      receivedAt: receivedAt.toISOString(),
      returnedAt: returnedAt.toISOString(),
      toTransportMs: between(writtenAt, recordedAt),
      toConsumerMs: between(recordedAt, receivedAt),
      toDatabaseMs: between(receivedAt, returnedAt),
      roundTripMs: between(writtenAt, returnedAt),
    },
    ageMs,
    outMs,
  };
}

const ONE = { 200: { description: "The pipeline", schema: "Pipeline" } } as const;

const GET = describe({
  tag: "pipeline",
  operationId: "getPipeline",
  access: { role: "viewer", over: "all" },
  summary: "Read where the pipeline stands",
  description:
    "Connector and tasks, replication slot, publication, topics, the last heartbeat with the time of each hop, and the lag of each group.",
  answers: ONE,
  problems: ["kafka.unreachable"],
});

const RESTART = describe({
  tag: "pipeline",
  operationId: "restartPipeline",
  access: { role: "operator", over: "all" },
  summary: "Restart the connector",
  description:
    "With its tasks; one that somebody stopped goes on, one that is gone is registered. Nothing is lost or sent twice without being skipped.",
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: ONE,
  problems: [
    "pipeline.unmanaged",
    "pipeline.connect-unavailable",
    "saga.idempotency-mismatch",
    "request.header-invalid",
  ],
});
