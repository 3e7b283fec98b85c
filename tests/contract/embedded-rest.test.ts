import { expect, test } from "bun:test";
import { eventually } from "../support/engine.ts";
import { Collector, type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { openSide, type Side } from "./open-transport.ts";
import { putNote } from "./put-note.ts";

const HOUR_MS = 3_600_000;

let database: TimelineDatabase;
let sides: Side[];

function restTest(what: string, work: () => Promise<void>): void {
  test(what, async () => {
    database = await timelineDatabase(await testPostgres());
    sides = [];
    try {
      await work();
    } finally {
      for (const side of sides) await side.close();
      await database.drop();
    }
  }, 60_000);
}

/** A side whose owner, at rest, looks at the outbox once an hour: what comes then was told of. */
async function open(): Promise<Side> {
  const side = await openSide({ databaseUrl: database.url, kafka: null }, { restPollMs: HOUR_MS });
  sides.push(side);
  return side;
}

async function openOwner(): Promise<{ readonly owner: Side; readonly collector: Collector }> {
  const owner = await open();
  await owner.transport.ensureTopics(["timeline"]);
  const collector = new Collector();
  await owner.transport.subscribe(collector);
  owner.start();
  return { owner, collector };
}

async function resting(): Promise<boolean> {
  const [row] = await database.sql`
    select coalesce(resting_epoch = owner_epoch, false) as resting from timeline.topic_log_position where id = 1`;
  return row?.["resting"] === true;
}

/** Whether a pool of a side, which is what looks at the outbox, has sent something within the last second. */
async function looks(): Promise<boolean> {
  const rows = await database.sql`
    select from pg_stat_activity
    where datname = current_database() and application_name = 'ekiden contract' and query_start > clock_timestamp() - interval '1 second'`;
  return rows.length > 0;
}

restTest("an owner at rest takes rows of other writers as they are told of, and looks no more meanwhile", async () => {
  const { collector } = await openOwner();
  const other = await open();
  await eventually("it rests", resting);
  await eventually("it has stopped looking", async () => !(await looks()));
  const first = await putNote(other);
  await eventually("the first has come", async () => collector.ids.has(first));
  await eventually("it is awake", async () => !(await resting()));
  await eventually("it rests again", resting);
  await eventually("it has stopped looking again", async () => !(await looks()));
  const second = await putNote(other);
  await eventually("the second has come", async () => collector.ids.has(second));
});

restTest(
  "a row behind a transaction that is still open comes when that ends, though nobody tells of that",
  async () => {
    const { collector } = await openOwner();
    const other = await open();
    await eventually("it rests", resting);
    const holder = await database.sql.reserve();
    await holder`begin`;
    await holder`select pg_current_xact_id()`;
    const note = await putNote(other);
    // Longer than an owner that has found something looks often.
    await Bun.sleep(4_000);
    const before = collector.ids.has(note);
    await holder`rollback`;
    holder.release();
    await eventually("it has come", async () => collector.ids.has(note));
    expect(before).toBe(false);
  },
);

restTest("an owner whose connection was cut is told again on the next one", async () => {
  const { collector } = await openOwner();
  const other = await open();
  await eventually("it rests", resting);
  const [cut] = await database.sql`
    select pg_terminate_backend(pid), pid from pg_stat_activity
    where datname = current_database() and application_name like 'ekiden contract/%'`;
  expect(cut?.["pid"]).toBeNumber();
  await eventually("another connection listens", async () => {
    const rows = await database.sql`
      select from pg_stat_activity where datname = current_database() and pid <> ${cut?.["pid"]}
        and application_name like 'ekiden contract/%' and query like '%listen%'`;
    return rows.length > 0;
  });
  await eventually("it has stopped looking", async () => !(await looks()));
  const note = await putNote(other);
  await eventually("it has come", async () => collector.ids.has(note));
});

restTest("nobody is told while the owner is awake, nor when it is gone without a word", async () => {
  const { owner } = await openOwner();
  await eventually("it rests", resting);
  const told: string[] = [];
  const { unlisten } = await database.sql.listen("ekiden_outbox", (payload) => void told.push(payload));
  await putNote(owner);
  await eventually("the first row told of itself", async () => told.length === 1);
  await eventually("it is awake", async () => !(await resting()));
  await putNote(owner);
  // A lease of an owner that was killed at rest.
  await database.sql`update timeline.topic_log_position
    set owner = 'gone', owner_epoch = owner_epoch + 1, resting_epoch = owner_epoch + 1, owner_until = clock_timestamp() - interval '1 minute'`;
  await putNote(owner);
  // Told behind them all.
  await database.sql`select pg_notify('ekiden_outbox', 'last')`;
  await eventually("the last word has come", async () => told.includes("last"));
  await unlisten();
  expect(told).toEqual(["", "last"]);
});

restTest("writers behind a transaction that is still open wake it once, and tell it no more", async () => {
  const { collector } = await openOwner();
  const other = await open();
  await eventually("it rests", resting);
  const told: string[] = [];
  const { unlisten } = await database.sql.listen("ekiden_outbox", (payload) => void told.push(payload));
  const holder = await database.sql.reserve();
  await holder`begin`;
  await holder`select pg_current_xact_id()`;
  const notes = [await putNote(other)];
  await eventually("it is awake", async () => !(await resting()));
  // Each notification is a commit that the next one has to wait for.
  const until = performance.now() + 4_000;
  while (performance.now() < until) notes.push(await putNote(other));
  const rested = await resting();
  await database.sql`select pg_notify('ekiden_outbox', 'last')`;
  await eventually("the last word has come", async () => told.includes("last"));
  await holder`rollback`;
  holder.release();
  await eventually("all have come", async () => notes.every((note) => collector.ids.has(note)));
  await unlisten();
  expect(told).toEqual(["", "last"]);
  expect(rested).toBe(false);
});

restTest("nobody is told while the owner's event loop is busy, and cannot say that it rests no more", async () => {
  await openOwner();
  await eventually("it rests", resting);
  const sampled = database.sql.begin(async (tx) => {
    await tx.unsafe(`
      create function pg_temp.rests_for(ms integer) returns boolean language plpgsql as $$
      declare until timestamptz := clock_timestamp() + ms * interval '1 millisecond';
      begin
        while clock_timestamp() < until and exists (select from timeline.topic_log_position where resting_epoch = owner_epoch) loop
          perform pg_sleep(0.05);
        end loop;
        return exists (select from timeline.topic_log_position where resting_epoch = owner_epoch and owner_until > clock_timestamp());
      end $$`);
    return tx<{ rests: boolean }[]>`select pg_temp.rests_for(4000) as rests`;
  });
  await eventually("it is watched", async () => {
    const rows = await database.sql`select from pg_stat_activity
      where datname = current_database() and state = 'active' and query like '%rests_for(4000)%' and pid <> pg_backend_pid()`;
    return rows.length > 0;
  });
  const until = performance.now() + 4_500;
  while (performance.now() < until) Bun.hash("busy");
  expect((await sampled)[0]?.rests).toBe(false);
});
