import { afterAll, beforeAll, expect, test } from "bun:test";
import { RedriveRunner } from "../../engine/recovery/redrive-runner.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";

let database: Awaited<ReturnType<typeof timelineDatabase>>;
let sql: Sql;

beforeAll(async () => {
  database = await timelineDatabase(await testPostgres());
  sql = connect(database.url, { max: 2, name: "redrives" });
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

async function batch(status: string, item: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into timeline.redrive_batch (id, actor, reason, selection, status, rate_per_second, stop_after_errors, total)
    values (timeline.new_ulid(), 'test', 'test', '{}', ${status}, 1, 1, 1) returning id
  `;
  const id = row?.id ?? "";
  await sql`
    insert into timeline.redrive_item (batch_id, position, consumer_group, message_id, status)
    values (${id}, 1, 'lab', '01J00000000000000000000000', ${item})
  `;
  return id;
}

test("a redrive that waits for a person costs nothing; one that is stopped, or has a message out, is looked after", async () => {
  const version = async (id: string) => {
    const [row] = await sql`select xmin::text, xmax::text from timeline.redrive_batch where id = ${id}`;
    return row;
  };
  const runner = new RedriveRunner(sql, () => {});
  const waiting = await batch("waiting", "failed");
  const before = await version(waiting);
  expect(await runner.look()).toBe(0);
  expect(await version(waiting)).toEqual(before);

  const out = await batch("waiting", "sent");
  const stopped = await batch("stopped", "failed");
  expect(await runner.look()).toBe(2);
  const ended = await sql<{ id: string }[]>`select id from timeline.redrive_batch where finished_at is not null`;
  expect(ended.map(({ id }) => id)).toEqual([stopped]);
  await sql`update timeline.redrive_batch set status = 'running' where id in (${waiting}, ${out})`;
  expect(await runner.look()).toBe(2);
});
