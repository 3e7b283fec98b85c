import { afterAll, beforeAll, expect, test } from "bun:test";
import { Auditor } from "../../engine/recovery/auditor.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { Lease } from "../../engine/transport/embedded/lease.ts";
import { TopicLog } from "../../engine/transport/embedded/topic-log.ts";
import { timelineDatabase, type TimelineDatabase, writeRequest } from "../support/kafka.ts";

let database: TimelineDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await timelineDatabase();
  sql = connect(database.url, { max: 2, name: "auditor test" });
  await sql`insert into timeline.topic (name) values ('timeline'), ('a.step'), ('b.step')`;
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

test("a topic that cannot be asked for keeps no other group's lost request from being sent again", async () => {
  const request = (topic: string) =>
    writeRequest(database.sql, {
      key: "01M84000000000000000000000",
      topic,
      type: "step.requested",
      columns: { step_key: `01M84000000000000000000000/${topic}`, action: "step", attempt: 1 },
    });
  // Both lie in no topic, and the transport has read past them.
  await request("a.step");
  const lost = await request("b.step");
  await sql`update timeline.event_request set requested_at = requested_at - interval '1 hour'`;
  await sql`update timeline.topic_log_position set xid = '999999999' where id = 1`;
  const log = new TopicLog(sql, sql, new Lease(sql, "test"));
  await log.load();
  const auditor = new Auditor({
    sql,
    transport: {
      kind: "embedded",
      offsets: async (group, topics) => {
        if (group === "a") throw new Error("this group may not be described");
        return log.offsets(group, topics);
      },
      mark: () => log.newestTransaction(),
      passed: (mark) => log.hasRead(mark),
    },
    expected: () => ["a", "b"].map((one) => ({ consumer_group: one, topic: `${one}.step`, types: null, reader: one })),
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });

  await expect(auditor.look(() => true)).rejects.toThrow("this group may not be described");

  const sent = await sql<{ message_id: string }[]>`select message_id from timeline.event_republish`;
  expect(sent.map(({ message_id: id }) => id)).toEqual([lost]);
});
