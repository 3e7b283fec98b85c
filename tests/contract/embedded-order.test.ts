import { expect, test } from "bun:test";
import { newId } from "../../engine/timeline/ids.ts";
import { transact } from "../../engine/timeline/store.ts";
import { Client } from "../support/client.ts";
import { eventually, testEngine } from "../support/engine.ts";
import { Collector, timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { callsOf, enterThree } from "../support/starter.ts";
import { openSide } from "./open-transport.ts";
import { putNote } from "./put-note.ts";

test("a placement that fails keeps the order of a key", async () => {
  const database = await timelineDatabase(await testPostgres());
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await side.transport.subscribe(collector);
  side.start();
  const key = newId();
  const came = () =>
    collector.came.filter((one) => one.key === key).map((one) => (JSON.parse(one.value ?? "{}") as { n: number }).n);
  await putNote(side, key, { n: 0 });
  // Until what was written before it took over has been read, the owner takes nothing from memory.
  await Bun.sleep(1_500);
  await putNote(side, key, { n: 1 });
  await eventually("both came", async () => came().length === 2);
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`lock table timeline.topic_log in exclusive mode`;
  await putNote(side, key, { n: 2 });
  await eventually("its placement waits for the lock", async () => {
    const cut = await holder`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query ilike '%topic_log%'
    `;
    return cut.length > 0;
  });
  await putNote(side, key, { n: 3 });
  await holder`rollback`;
  holder.release();
  await eventually("all came", async () => new Set(came()).size === 4);
  await side.close();
  await database.drop();
  expect([...new Set(came())]).toEqual([0, 1, 2, 3]);
}, 60_000);

test("what waits for its place is not delivered before, and comes once when the place could not be written", async () => {
  const database = await timelineDatabase(await testPostgres());
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  await database.sql`create table effect (attempt integer)`;
  const store = {
    ...side.store,
    ownerEpoch: () => side.transport.ownerEpoch(),
  };
  let attempts = 0;
  await side.transport.subscribe({
    group: "g",
    topics: ["timeline"],
    lanes: 1,
    singles: 1,
    batchMax: 8,
    handle: async (batch) => {
      const attempt = ++attempts;
      await transact(store, ({ tx }) => tx`insert into effect (attempt) values (${attempt})`);
      return batch.map(() => "done");
    },
  });
  side.start();
  const offsets = async () => (await side.transport.offsets("g", ["timeline"]))[0];
  await putNote(side, newId(), { n: 0 });
  await Bun.sleep(1_500);
  await eventually("the first is done", async () => (await offsets())?.committed === 1);
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`lock table timeline.topic_log in exclusive mode`;
  await putNote(side, newId(), { n: 1 });
  await eventually("its place waits for the lock", async () => {
    const waiting = await holder`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%topic_log%'
    `;
    return waiting.length > 0;
  });
  expect(attempts).toBe(1);
  await holder`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query ilike '%topic_log%'
  `;
  await holder`rollback`;
  holder.release();
  await eventually("both are done", async () => (await offsets())?.committed === 2);
  const effects = await database.sql<{ attempt: number }[]>`select attempt from effect order by attempt`;
  const end = (await offsets())?.end;
  await side.close();
  await database.drop();
  expect(effects.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(end).toBe(2);
}, 60_000);

test.each(["step.requested", "step.succeeded"])(
  "what begins while the place of a %s is written is not done without it",
  async (type) => {
    const engine = await testEngine("embedded");
    const client = new Client(() => engine.url);
    const { sql } = engine;
    const first = await client.start("three", { note: "before" });
    await client.settled(first.sagaId);
    // Counts in a sequence: what a transaction that fails has counted stays counted.
    await sql.unsafe(`
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
    begin
      if exists (select from placed join timeline.event_request r using (message_id) where r.message_type = '${type}') then
        perform nextval('refusals');
        raise exception 'no place';
      end if;
      return null;
    end $$;
    create trigger refuse after insert on timeline.topic_log referencing new table as placed
      for each statement execute function refuse();
  `);
    const refusals = async () => (await sql<{ n: number }[]>`select last_value::int as n from refusals`)[0]?.n ?? 0;
    const placeless = () => sql`
    select c.consumer_group, c.message_id from timeline.event_consumption c
    left join timeline.topic_log l on l.topic = c.topic and l."offset" = c."offset"
    where c."offset" is not null and l.message_id is distinct from c.message_id
  `;
    const started = await Promise.all([1, 2, 3, 4, 5].map((n) => client.start("three", { note: `meanwhile ${n}` })));
    await eventually("their places were refused again and again", async () => (await refusals()) >= 4);
    expect([...(await placeless())]).toEqual([]);
    await sql`drop trigger refuse on timeline.topic_log`;
    for (const { sagaId } of started) expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect([...(await placeless())]).toEqual([]);
    await engine.close();
  },
  60_000,
);

test("requests that two processes record while the dispatcher is paused keep their order", async () => {
  const database = await timelineDatabase(await testPostgres());
  const owner = await openSide({ databaseUrl: database.url, kafka: null });
  await enterThree(owner.sql);
  await owner.transport.subscribe(new Collector());
  owner.start();
  await Bun.sleep(1_500);
  const standby = await openSide({ databaseUrl: database.url, kafka: null });
  await owner.sql`update timeline.consumer_group set paused = true where consumer_group = 'dispatcher'`;
  const here = callsOf(owner.store);
  const there = callsOf(standby.store);
  const say = (from: typeof here, sagaId: string) =>
    from.recorder.under(sagaId, (unit, saga) =>
      from.recorder.record(unit, saga, "signal.received", { signal: "s", payload: 1 }, { traceparent: null }),
    );
  const swapped: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const { sagaId } = await here.start(`round ${round}`);
    await Bun.sleep(100);
    const first = await say(there, sagaId);
    const second = await say(here, sagaId);
    const placed = () => owner.sql<{ message_id: string }[]>`
      select message_id from timeline.topic_log where message_id in (${first.messageId}, ${second.messageId}) order by "offset"
    `;
    await eventually("both lie in the topic", async () => (await placed()).length === 2);
    if ((await placed())[0]?.message_id !== first.messageId) swapped.push(round);
  }
  await standby.close();
  await owner.close();
  await database.drop();
  expect(swapped).toEqual([]);
}, 100_000);

test("large messages stop a group that is behind at its bound in bytes", async () => {
  const database = await timelineDatabase(await testPostgres());
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  const hold = Promise.withResolvers<void>();
  let done = 0;
  const consumer = await side.transport.subscribe({
    group: "g",
    topics: ["timeline"],
    lanes: 1,
    singles: 1,
    batchMax: 8,
    handle: async (batch) => {
      await hold.promise;
      done += batch.length;
      return batch.map(() => "done");
    },
  });
  const text = "x".repeat(250_000);
  for (let n = 0; n < 300; n += 1) await putNote(side, newId(), { n, text });
  side.start();
  const bytes = consumer.bounds.find(({ name }) => name === "ekiden_message_bytes_in_hand");
  await eventually("the group is full", async () => (bytes?.now() ?? 0) >= 33_554_432);
  await Bun.sleep(500);
  expect(bytes?.now()).toBeLessThan(33_554_432 + 300_000);
  hold.resolve();
  await eventually("all of them were done", async () => done === 300, 30_000);
  await side.close();
  await database.drop();
}, 60_000);
