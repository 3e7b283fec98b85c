import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { placeWrites } from "../../engine/timeline/consumption-write.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { root } from "../architecture/project-files.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

const ROWS = 2_000;

let database: FreshDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 1, name: "test", plans: "fixed" });
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
}, 60_000);

afterAll(async () => {
  await sql?.end();
  await database?.drop();
}, 60_000);

/** Fills in the place of one message; returns how many rows of the inbox were read for it. */
function place(messageId: string): Promise<number> {
  const now = new Date();
  const delivery = { topic: "timeline", partition: 0, offset: 7, recordedAt: now, receivedAt: now };
  return sql.begin(async (tx) => {
    const writes = placeWrites(tx, [{ messageId, delivery: { ...delivery, key: null, headers: {}, value: null } }]);
    for (const write of writes) await write.execute();
    const [row] = await tx<{ fetched: number }[]>`
      select idx_tup_fetch as fetched from pg_stat_xact_user_tables where relid = 'timeline.event_consumption'::regclass
    `;
    return row?.fetched ?? Number.NaN;
  });
}

test("filling in where a message lies reads its row alone, by a plan that was made while there were none", async () => {
  expect(await place(newId())).toBe(0);
  const ids = Array.from({ length: ROWS }, () => newId());
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, topic, consumer)
    select 'dispatcher', id, 'timeline', 'test' from unnest(${sql.array(ids)}::text[]) as w (id)
  `;

  expect(await place(ids[0] as string)).toBeLessThan(10);

  const placed =
    await sql`select message_id, partition, "offset" from timeline.event_consumption where partition is not null`;
  expect([...placed]).toEqual([{ message_id: ids[0], partition: 0, offset: 7 }]);
});
