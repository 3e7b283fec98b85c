import { afterAll, beforeAll, expect, test } from "bun:test";
import { notePassedOver } from "../../engine/recovery/passed-over.ts";
import type { Tx } from "../../engine/timeline/database.ts";
import { timelineDatabase, type TimelineDatabase, writeRequest } from "../support/kafka.ts";

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
  await database.sql`insert into timeline.topic (name) values ('timeline'), ('lab.call')`;
}, 60_000);
afterAll(async () => database?.drop(), 60_000);

const saga = "01M84000000000000000000000";

test.each([
  ["at its first try", false],
  ["between whose tries it was seen", true],
])(
  "a message with a handler in progress %s cannot be passed over: that is said, and not that the database is away",
  async (which, seen) => {
    const { sql } = database;
    const id = await writeRequest(sql, {
      key: saga,
      topic: "lab.call",
      type: "step.requested",
      body: { input: {} },
      columns: { step_key: `${saga}/${seen}`, action: "call", attempt: 1 },
      headers: { notify: "true" },
    });
    const claim = (by: Pick<typeof sql, "unsafe">) =>
      by.unsafe(
        `insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, consumer)
         values ('lab', $1, $2, 'lab.call', $2, 'here')
         on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1`,
        [id, saga],
      );
    if (seen) await claim(sql);
    await sql.begin(async (handler) => {
      await claim(handler);
      const passing = sql.begin(async (tx) => {
        await tx`select set_config('lock_timeout', '200', true)`;
        await notePassedOver(tx as unknown as Tx, "lab", [{ topic: "lab.call", ids: [id] }], "tester");
      });
      await expect(passing, which).rejects.toMatchObject({
        code: "group.rewind-failed",
        message: expect.stringContaining("a handler in progress"),
        hint: expect.stringContaining("when it has ended"),
      });
    });
  },
);
