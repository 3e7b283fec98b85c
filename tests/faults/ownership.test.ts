import { afterAll, afterEach, beforeAll, test } from "bun:test";
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

test("an owner whose first look at its offsets is cut still consumes", async () => {
  await completes((await client.start("three", { note: "before the cut" })).sagaId);
  const locker = await lab.sql.reserve();
  try {
    // The lease goes first: it must be visible while the offsets are locked.
    await lab.sql`update timeline.topic_log_position set owner = 'somebody else', owner_epoch = owner_epoch + 1, owner_until = clock_timestamp() where id = 1`;
    await locker`begin`;
    await locker`lock table timeline.consumer_offset in access exclusive mode`;
    await eventually("the new owner's look was cut", async () => {
      const cut = await lab.sql`
        select pid, query, pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%from timeline.consumer_offset where consumer_group%'
          and pid <> pg_backend_pid()
      `;
      return cut.length > 0;
    });
  } finally {
    await locker`rollback`;
    locker.release();
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
