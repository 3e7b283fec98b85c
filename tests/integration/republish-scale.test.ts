import { expect, test } from "bun:test";
import { previewRepublish, republish } from "../../engine/recovery/republish.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";

const ROWS = 20_000;

/** Requests of one month in transactions of 100, each consumed. */
async function fill(sql: Sql): Promise<void> {
  await sql`insert into timeline.topic (name) values ('timeline') on conflict do nothing`;
  await sql.unsafe(`
    create procedure fill(p_prefix text, p_rows integer) language plpgsql as $$
    begin
      for n in 0..p_rows / 100 - 1 loop
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
        select p_prefix || to_char(n * 100 + e, 'FM0000000'), 'c', 'timeline', 'c', 'note.taken', '{}', 'other@host'
        from generate_series(0, 99) e;
        commit;
      end loop;
    end $$`);
  await sql.unsafe(`call fill('${newId().slice(0, 19)}', ${ROWS})`);
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, message_key, consumer, consumed_at)
    select 'dispatcher', message_id, correlation_id, topic, message_key, 'test', now() from timeline.event_request
  `;
  await sql`analyze timeline.event_request`;
  await sql`analyze timeline.event_consumption`;
}

/** Entries of the outbox's indexes that sessions have read; of those that are open only what they have told. */
async function entriesRead(sql: Sql): Promise<number> {
  const [row] = await sql<{ read: number }[]>`
    select sum(idx_tup_read)::float8 as read from pg_stat_user_indexes where relname like 'event\_request\_2%'
  `;
  return row?.read ?? 0;
}

test("what nobody has consumed is looked for in one pass over a long history", async () => {
  const database = await timelineDatabase(await testPostgres());
  const sql = connect(database.url, { max: 1, name: "test" });
  await fill(sql);
  await sql`select pg_stat_force_next_flush()`;
  const before = await entriesRead(sql);
  const preview = await previewRepublish(sql, { missingOnly: true });
  await sql`select pg_stat_force_next_flush()`;
  const counted = await entriesRead(sql);
  const run = await republish(sql, { missingOnly: true }, "test", { actor: "test" });
  await sql`select pg_stat_force_next_flush()`;
  const sent = await entriesRead(sql);
  await sql.end();
  await database.drop();
  expect([preview.scanned, preview.state, run.scanned, run.state]).toEqual([ROWS, "counted", ROWS, "done"]);
  expect(counted - before).toBeLessThan(3 * ROWS);
  expect(sent - counted).toBeLessThan(3 * ROWS);
}, 60_000);
