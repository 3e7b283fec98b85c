import * as v from "valibot";

import { Time } from "./saga-schema.ts";
import { Reason } from "./verb-schema.ts";

const count = (description: string) => v.pipe(v.number(), v.integer(), v.description(description), v.examples([0]));
const id = (description: string) => v.pipe(v.string(), v.description(description));
const sha256 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "is no SHA-256 in hex"),
  v.description("SHA-256 of the export's lines, hex"),
);

export const PartitionExport = v.pipe(
  v.strictObject({
    rows: count("Requests"),
    firstId: v.nullable(id("The first one's message id")),
    lastId: v.nullable(id("The last one's")),
    sha256,
    exportedAt: Time,
  }),
  v.description("A complete export of a partition"),
);

export const Partition = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.examples(["event_request_202601"])),
    fromId: id("Its message ids begin here"),
    toId: id("And end before this one"),
    from: Time,
    to: Time,
    state: v.pipe(
      v.picklist(["open", "closed", "dropping", "dropped"]),
      v.description("`open`: still written to; `dropping`: a drop was cut off, ask for it again"),
    ),
    rowEstimate: count("Requests in it, as the planner thinks"),
    bytes: count("Its size with indexes"),
    openSagas: count("Sagas in it that are open, or that an open one may take back; at most 1000"),
    delivered: v.pipe(v.boolean(), v.description("Everything in it has left for the topics")),
    exported: v.nullable(PartitionExport),
    obstacles: v.pipe(
      v.array(v.string()),
      v.description("What stands against dropping it; more may be found when it is read for the drop"),
    ),
  }),
  v.description("A month of the event store"),
);

export const PartitionList = v.pipe(
  v.strictObject({
    items: v.array(Partition),
    nextCursor: v.pipe(v.null(), v.description("Always null: partitions are one page")),
  }),
  v.description("Partitions, oldest first"),
);

export const DropRequest = v.pipe(
  v.strictObject({ sha256, rows: count("Requests in the export"), reason: Reason }),
  v.description("Which export you hold, and why the partition goes"),
);

export const DroppedPartition = v.pipe(
  v.strictObject({ name: v.string(), rows: count("Requests that it had"), droppedAt: Time }),
  v.description("A partition that is gone"),
);

export const ExportedRequest = v.pipe(
  v.looseObject({ message_id: v.string(), correlation_id: v.string(), topic: v.string(), message_body: v.unknown() }),
  v.description("A line of an export: a row of `timeline.event_request`, all of its columns"),
);
