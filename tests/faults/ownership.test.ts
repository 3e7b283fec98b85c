import { afterAll, afterEach, beforeAll, test } from "bun:test";
import type postgres from "postgres";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

const completes = (sagaId: string) =>
  eventually("the saga completes", async () => (await client.saga(sagaId)).status === "completed", 12_000);

const lock = (of: postgres.ReservedSql) => of`lock table timeline.consumer_offset in access exclusive mode`;

/** Hands the lock to another session, which lets pass what waited for it before, and nothing that comes later. */
async function handOn(from: postgres.ReservedSql, to: postgres.ReservedSql): Promise<void> {
  await to`begin`;
  const locked = lock(to).execute();
  await eventually("the next one waits for the lock", async () => {
    const waiting = await lab.sql`
      select from pg_locks where relation = 'timeline.consumer_offset'::regclass and mode = 'AccessExclusiveLock' and not granted
    `;
    return waiting.length > 0;
  });
  await from`rollback`;
  await locked;
}

test("an owner whose first look at its offsets is cut still consumes", async () => {
  await completes((await client.start("three", { note: "before the cut" })).sagaId);
  let [holder, other] = [await lab.sql.reserve(), await lab.sql.reserve()];
  try {
    // The lease goes first: it must be visible while the offsets are locked.
    await lab.sql`update timeline.topic_log_position set owner = 'somebody else', owner_epoch = owner_epoch + 1, owner_until = clock_timestamp() where id = 1`;
    await holder`begin`;
    await lock(holder);
    await eventually("the new owner's look was cut", async () => {
      const cut = await lab.sql`
        select pid, query, pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%from timeline.consumer_offset where consumer_group%'
          and pid <> pg_backend_pid()
      `;
      if (cut.length > 0) return true;
      // Where its topics end is looked at before.
      await handOn(holder, other);
      [holder, other] = [other, holder];
      return false;
    });
  } finally {
    await holder`rollback`;
    holder.release();
    other.release();
  }
  const { sagaId } = await client.start("three", { note: "after the cut" });
  await completes(sagaId);
}, 60_000);

test("a process that consumes nothing does not own the transport while another could", async () => {
  await lab.another("api");
  await lab.stop();
  await Bun.sleep(1_000);
  await lab.start();
  const { sagaId } = await client.start("three", { note: "api owner" });
  await completes(sagaId);
}, 60_000);
