import * as v from "valibot";

const topic = v.pipe(v.string(), v.description("Topic"), v.examples(["screening.examine"]));
const partition = v.pipe(v.number(), v.integer(), v.description("Partition; 0 when embedded"), v.examples([0]));
const count = (what: string) => v.pipe(v.number(), v.integer(), v.description(what), v.examples([0]));

/** Of a group, also where the pipeline names it. */
export const LagSeconds = v.pipe(
  v.nullable(v.number()),
  v.description("Age of the oldest message not consumed yet, whole seconds; null: none waits"),
  v.examples([0]),
);

export const GroupPartition = v.pipe(
  v.strictObject({
    topic,
    partition,
    earliest: count("Oldest offset that the topic holds"),
    end: count("Offset of the next message to come"),
    committed: v.pipe(
      v.nullable(v.number()),
      v.description("The next offset to consume; null: it starts at the oldest. Where there is a `reader`, that one's"),
    ),
    lag: count(
      "Messages not consumed yet. Where there is a `reader`: not claimed, the whole topic's on its first partition",
    ),
    owner: v.pipe(
      v.nullable(v.string()),
      v.description("Host and process that consumes it; null: none does"),
      v.examples(["engine-1/4711"]),
    ),
    reader: v.pipe(
      v.nullable(v.string()),
      v.description("The group in which another program should read the topic; null: the group itself reads it"),
    ),
  }),
  v.description("Where a group stands in one partition"),
);

export const GroupMember = v.pipe(
  v.strictObject({
    state: v.pipe(
      v.string(),
      v.description("running, paused, standby, rebuilding or stopped"),
      v.examples(["running"]),
    ),
    inHand: count("Messages taken in and not yet done"),
    problem: v.pipe(v.nullable(v.string()), v.description("Why it is not well")),
  }),
  v.description("A member of the group in this process"),
);

export const ConsumerGroup = v.pipe(
  v.strictObject({
    group: v.pipe(
      v.string(),
      v.description("`dispatcher`, `<domain>` or `<domain>.<projection>`"),
      v.examples(["screening"]),
    ),
    paused: v.boolean(),
    pausedReason: v.nullable(v.string()),
    lag: count("Messages not consumed yet, all partitions"),
    lagSeconds: LagSeconds,
    partitions: v.array(GroupPartition),
    members: v.array(GroupMember),
  }),
  v.description("A consumer group"),
);

export const ConsumerGroupList = v.pipe(
  v.strictObject({
    items: v.array(ConsumerGroup),
    nextCursor: v.pipe(v.null(), v.description("Always null: groups are one page")),
  }),
  v.description("Consumer groups"),
);

export const RewindPart = v.pipe(
  v.strictObject({
    topic,
    partition,
    from: v.pipe(v.nullable(v.number()), v.description("Where the group stands now; null: nothing committed")),
    to: count("Where it will stand"),
    done: count("Consumed already: skipped"),
    run: count("Failed and still wanted: run again; of several attempts of a step one"),
    parked: count("Of those that run again: their saga is parked at that step, and goes on when they succeed"),
    closed: count("Failed, but the saga gave the step up: stays given up"),
    waiting: count("Not consumed yet by this group"),
    expired: count(
      "In the span, and older than what the topic holds: not read again. Of a time: counted among the first 10,000 that the group has consumed since",
    ),
  }),
  v.description("One partition of a rewind"),
);

export const RewindReport = v.pipe(
  v.strictObject({
    group: v.string(),
    preview: v.pipe(v.boolean(), v.description("True: nothing was moved")),
    parts: v.array(RewindPart),
  }),
  v.description("What a rewind does"),
);
