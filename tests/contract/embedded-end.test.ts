import { expect, test } from "bun:test";
import { eventually } from "../support/engine.ts";
import { Collector, type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { openSide, type Side } from "./open-transport.ts";
import { putNote } from "./put-note.ts";

/** A side with one group that has collected everything so far. */
interface Run {
  readonly side: Side;
  readonly collector: Collector;
  readonly offsets: () => Promise<object | undefined>;
}

async function run(database: TimelineDatabase): Promise<Run> {
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await side.transport.subscribe(collector);
  side.start();
  const offsets = async () => (await side.transport.offsets(collector.group, ["timeline"]))[0];
  return { side, collector, offsets };
}

test("a topic whose messages were all dropped goes on where it ended", async () => {
  const database = await timelineDatabase(await testPostgres());
  const first = await run(database);
  for (let n = 0; n < 3; n += 1) await putNote(first.side);
  await eventually("all of them are done", async () => first.collector.came.length === 3);
  await first.side.close();
  // As the drop of months does that hold all of a topic.
  await database.sql`delete from timeline.topic_log where topic = 'timeline'`;

  const second = await run(database);
  const before = await second.offsets();
  const at = await second.side.transport.offsetsAt("timeline", new Date(0));
  await putNote(second.side);
  await eventually("the new one came", async () => second.collector.came.length === 1);
  const [came] = second.collector.came;
  const moved = await second.side.transport.offsetsAt("timeline", new Date(Date.now() + 60_000));
  await second.side.close();
  await database.drop();
  expect(before).toMatchObject({ earliest: 3, end: 3, committed: 3 });
  expect(came?.offset).toBe(3);
  expect(at).toEqual([{ partition: 0, offset: 3 }]);
  expect(moved).toEqual([{ partition: 0, offset: 4 }]);
}, 60_000);
