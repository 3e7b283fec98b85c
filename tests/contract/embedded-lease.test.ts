import { expect, test } from "bun:test";
import { newId } from "../../engine/timeline/ids.ts";
import { eventually } from "../support/engine.ts";
import { Collector, timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { openSide, type Side } from "./open-transport.ts";
import { putNote } from "./put-note.ts";

test("an owner whose look at the outbox takes longer than its lease stays the owner", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  const sides = [await openSide({ databaseUrl: database.url, kafka: null })];
  await sides[0]?.transport.ensureTopics(["timeline"]);
  const collectors = [new Collector(), new Collector()];
  const begin = async (n: number) => {
    await sides[n]?.transport.subscribe(collectors[n] as Collector);
    sides[n]?.start();
  };
  const lease = async () => {
    const [row] = await sql<{ owner: string | null; epoch: number; over: Date }[]>`
      select owner, owner_epoch::integer as epoch, owner_until as over from timeline.topic_log_position where id = 1
    `;
    return row as { owner: string | null; epoch: number; over: Date };
  };
  await begin(0);
  await putNote(sides[0] as Side);
  await collectors[0]?.has(1);
  sides.push(await openSide({ databaseUrl: database.url, kafka: null }));
  await begin(1);

  const holder = await sql.reserve();
  await holder`begin`;
  await holder`lock table timeline.event_republish in access exclusive mode`;
  await eventually("its look waits", async () => {
    const waiting = await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%from timeline.event_republish%'
    `;
    return waiting.length > 0;
  });
  const before = await lease();
  await eventually("the lease that it had then has run out for long", async () => {
    const [clock] = await sql`select clock_timestamp() > ${before.over}::timestamptz + interval '2 seconds' as over`;
    return clock?.["over"] === true;
  });
  const after = await lease();
  await holder`rollback`;
  holder.release();
  const last = await putNote(sides[1] as Side);
  await eventually("it came", async () => collectors.some(({ ids }) => ids.has(last)));
  const took = collectors.map(({ ids }) => ids.has(last));
  for (const side of sides) await side.close();
  await database.drop();
  expect(after).toMatchObject({ owner: before.owner, epoch: before.epoch });
  expect(took).toEqual([true, false]);
}, 60_000);

test("an outbox that is far ahead is looked through in parts, and all of it comes once and in order", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await side.transport.subscribe(collector);
  // Each row in a transaction of its own, and one transaction that has more than a part.
  await sql.unsafe(`
    create procedure fill(p_from integer, p_to integer, p_each integer) language plpgsql as $$
    begin
      for n in p_from..p_to loop
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
        select '${newId().slice(0, 19)}' || to_char(n * p_each + e, 'FM0000000'), 'c', 'timeline', 'c', 'note.taken', '{}', 'other@host'
        from generate_series(0, p_each - 1) e;
        commit;
      end loop;
    end $$`);
  await sql`set synchronous_commit = off`;
  await sql.unsafe("call fill(0, 11999, 1)");
  await sql.unsafe("call fill(1, 1, 12000)");
  await sql.unsafe("call fill(24000, 35999, 1)");
  side.start();
  await eventually("all of it came", async () => collector.came.length >= 36_000, 40_000);
  const ids = collector.came.map(({ headers }) => headers["id"] ?? "");
  await side.close();
  await database.drop();
  expect(ids.length).toBe(36_000);
  expect(ids).toEqual(ids.toSorted());
}, 90_000);

test("an owner that stops and cannot write its position gives the lease back all the same", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await side.transport.subscribe(collector);
  side.start();
  await putNote(side);
  await collector.has(1);
  await sql`alter table timeline.topic_log_position rename column xid to read_to`;
  await side.transport.stop();
  const [left] = await sql`select owner from timeline.topic_log_position where id = 1`;
  // Longer than the pause between two renewals.
  await Bun.sleep(1_500);
  const [later] =
    await sql`select owner_until > clock_timestamp() as held from timeline.topic_log_position where id = 1`;
  await side.close();
  await database.drop();
  expect([left, later]).toEqual([{ owner: null }, { held: null }]);
}, 30_000);

test("a transaction of another process that holds a group's row keeps nobody from taking over", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  await sql`insert into timeline.consumer_group (consumer_group) values ('dispatcher'), ('others') on conflict do nothing`;
  const holder = await sql.reserve();
  await holder`begin`;
  // As a start does until it ends, of a process that has stopped in the middle of it.
  await holder`select timeline.dispatcher_paused()`;
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  await side.transport.subscribe(new Collector());
  side.start();
  const shown = async () => {
    const rows = await sql<{ name: string }[]>`
      select consumer_group as name from timeline.consumer_group where owner is not null order by 1
    `;
    return rows.map(({ name }) => name);
  };
  const owns = async () =>
    (await side.transport.health()).some(({ detail }) => detail.includes("owned by this process"));
  const took = await eventually("it owns the transport", owns, 5_000).catch(() => false);
  const before = await shown();
  await holder`rollback`;
  holder.release();
  const after = await eventually("all show the owner", async () => (await shown()).length === 2).catch(() => false);
  await side.close();
  await database.drop();
  expect([took, before, after]).toEqual([true, ["others"], true]);
}, 60_000);
