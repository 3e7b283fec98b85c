import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import { DropRequest } from "./partition-schema.ts";

/** The event store's partitions: what is in them, exporting them, and dropping what was exported. */
export function addPartitionRoutes(app: Api, { engine }: ApiParts): void {
  app.get("/v1/partitions", LIST, async (c) => c.json({ items: await engine.partitions(), nextCursor: null }));

  app.get("/v1/partitions/:partition", GET, async (c) => c.json(await engine.partition(c.req.param("partition"))));

  app.get("/v1/partitions/:partition/export", EXPORT, async (c) => {
    withoutIdleLimit(c);
    const lines = await engine.exportPartition(c.req.param("partition"));
    return c.body(streamOf(lines), 200, { "content-type": "application/x-ndjson" });
  });

  app.post("/v1/partitions/:partition/drop", DROP, async (c) => {
    const caller = callerOf(c);
    const request = await readBody(c.req.raw, DropRequest);
    withoutIdleLimit(c);
    return c.json(await engine.dropPartition(c.req.param("partition"), request, caller));
  });
}

/** A caller that writes slowly, and a drop that waits for readers, are silent for longer than the server allows. */
function withoutIdleLimit(c: ApiContext): void {
  c.env?.server?.timeout(c.req.raw, 0);
}

/** Read as fast as the caller takes it. An error on the way breaks the answer off, so that it never looks complete. */
function streamOf(chunks: AsyncGenerator<Uint8Array, void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return();
    },
  });
}

const LIST = describe({
  tag: "event store",
  operationId: "listPartitions",
  access: { role: "viewer", over: "all" },
  summary: "List the event store's partitions",
  description: "One for each month, with what stands against dropping it. Nothing is ever dropped by itself.",
  answers: { 200: { description: "All partitions, oldest first", schema: "PartitionList" } },
});

const GET = describe({
  tag: "event store",
  operationId: "getPartition",
  access: { role: "viewer", over: "all" },
  summary: "Read a partition",
  path: ["partition"],
  answers: { 200: { description: "The partition", schema: "Partition" } },
  problems: ["partition.unknown"],
});

const EXPORT = describe({
  tag: "event store",
  operationId: "exportPartition",
  access: { role: "admin", over: "all", payloads: true },
  summary: "Export a partition",
  description:
    "Every request as a line of JSON, in the order of the ids: `timeline.event_request` column by column. When the last line was taken the export is noted, with its rows and SHA-256.",
  path: ["partition"],
  answers: { 200: { description: "The lines", schema: "ExportedRequest", media: "application/x-ndjson" } },
  problems: ["partition.unknown", "partition.open", "partition.dropped"],
});

const DROP = describe({
  tag: "event store",
  operationId: "dropPartition",
  access: { role: "admin", over: "all" },
  summary: "Drop a partition that was exported",
  description:
    "Refused while a saga in it is open, while something in it has not left for the topics or has not been consumed, and unless this is its newest complete export. Cut off half-way, the same call carries it on.",
  path: ["partition"],
  body: { schema: "DropRequest", description: "Which export you hold, and why", required: true },
  answers: { 200: { description: "It is gone", schema: "DroppedPartition" } },
  problems: [
    "partition.unknown",
    "partition.in-use",
    "partition.not-exported",
    "partition.busy",
    "saga.idempotency-mismatch",
    "request.header-invalid",
  ],
});
