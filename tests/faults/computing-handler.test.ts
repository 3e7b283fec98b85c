import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";
import { newId } from "../../engine/timeline/ids.ts";
import { LeaseKeeper } from "../../engine/transport/embedded/lease-keeper.ts";
import { LEASE_MS } from "../../engine/transport/embedded/lease-renewal.ts";
import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { RELAY } from "../support/relay-effects.ts";
import { startRelay } from "../support/relay-load.ts";

let database: FreshDatabase;
let sql: postgres.Sql;
const processes: EngineProcess[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  sql = postgres(database.url, { max: 4, onnotice: () => {} });
  await another();
  await eventually("it is the owner", async () => (await owner())?.owner);
  await another();
}, 120_000);

afterAll(async () => {
  for (const engine of processes) await engine.end("SIGKILL");
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

async function another(): Promise<EngineProcess> {
  const engine = await startProcess(root, { DATABASE_URL: database.url, EKIDEN_DOMAINS: RELAY });
  processes.push(engine);
  return engine;
}

async function owner() {
  const [row] = await sql<{ owner: string | null; epoch: string; left: number | null }[]>`
    select owner, owner_epoch as epoch, extract(epoch from owner_until - clock_timestamp())::float8 * 1000 as left
    from timeline.topic_log_position where id = 1
  `;
  return row;
}

const status = async (sagaId: string) => {
  const [saga] = await sql`select status from timeline.saga where id = ${sagaId}`;
  return saga?.["status"];
};

test("a handler that computes for longer than the lease keeps it, though a standby waits for it", async () => {
  const before = await owner();
  const standby = processes[1] as EngineProcess;
  const sagaId = await startRelay(() => standby.url, { note: "long", gate: "computes" });
  await eventually("it computes, and its lease is renewed by another session", async () => {
    const lease =
      await sql`select from pg_stat_activity where datname = current_database() and application_name like 'ekiden lease %'`;
    return lease.length > 0;
  });
  await eventually("the saga completes", async () => (await status(sagaId)) === "completed", 40_000);
  expect(await owner()).toMatchObject({ owner: before?.owner, epoch: before?.epoch });
  const effects = await sql`select action from north.effect where saga_id = ${sagaId} order by action`;
  expect(effects.map((row) => row["action"])).toEqual(["begin", "finish"]);
  expect(standby.output()).not.toContain("this process has taken over the embedded transport");
  await eventually("the session that renewed it has gone", async () => {
    const lease =
      await sql`select from pg_stat_activity where datname = current_database() and application_name like 'ekiden lease %'`;
    return lease.length === 0;
  });
}, 90_000);

test("one that is stopped while it computes loses it all the same", async () => {
  const [first, standby] = processes as [EngineProcess, EngineProcess];
  // The API of a process that computes does not answer.
  const sagaId = await startRelay(() => standby.url, { note: "stopped", gate: "computes" });
  await eventually("it computes", async () => {
    const open = await sql`
      select from pg_stat_activity where datname = current_database() and usename like '%north' and state = 'idle in transaction'
    `;
    return open.length > 0;
  });
  const epoch = (await owner())?.epoch;
  first.signal("SIGSTOP");
  await eventually("the standby has taken over", async () => (await owner())?.epoch !== epoch, 15_000);
  first.signal("SIGCONT");
  await eventually("the saga completes", async () => (await status(sagaId)) === "completed", 40_000);
  const effects = await sql`select action from north.effect where saga_id = ${sagaId} order by action`;
  expect(effects.map((row) => row["action"])).toEqual(["begin", "finish"]);
}, 90_000);

test("an owner whose loop does not come round for too long is helped no more", async () => {
  for (const engine of processes) await engine.end("SIGKILL");
  const name = `here/1/${newId().slice(-6)}`;
  await sql`
    update timeline.topic_log_position set owner = ${name}, owner_epoch = owner_epoch + 1,
      owner_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
  `;
  const problems: string[] = [];
  const keeper = new LeaseKeeper({
    databaseUrl: database.url,
    owner: name,
    process: "TEST",
    problem: (what) => problems.push(what),
    stuckAfterMs: 8_000,
  });
  try {
    keeper.held(Number((await owner())?.epoch));
    const renewed = async () => {
      const [row] = await sql`select owner_until::text as until from timeline.topic_log_position where id = 1`;
      return row?.["until"] as string;
    };
    const first = await renewed();
    await Bun.sleep(1_000);
    Bun.sleepSync(3_500);
    expect(await renewed(), "the thread has renewed it").not.toBe(first);
    expect((await owner())?.left).toBeGreaterThan(0);
    Bun.sleepSync(9_000);
    expect((await owner())?.left, "it has run out").toBeLessThan(0);
    expect(problems).toEqual([]);
  } finally {
    await keeper.stop();
  }
}, 60_000);
