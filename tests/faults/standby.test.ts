import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { countRelay, RELAY, relayCount } from "../support/relay-effects.ts";
import { startMany, startRelay } from "../support/relay-load.ts";

let database: FreshDatabase;
let sql: postgres.Sql;
let folder: string;
let owner: EngineProcess;
let standby: EngineProcess;
const processes: EngineProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ekiden-standby-"));
  database = await freshDatabase();
  sql = postgres(database.url, { max: 4, onnotice: () => {} });
  owner = await another();
  await ownedBy(owner);
  standby = await another();
}, 120_000);

afterAll(async () => {
  for (const engine of processes) {
    engine.signal("SIGCONT");
    await engine.end("SIGKILL");
  }
  await sql?.end({ timeout: 5 });
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function another(): Promise<EngineProcess> {
  const engine = await startProcess(root, { DATABASE_URL: database.url, EKIDEN_DOMAINS: RELAY });
  processes.push(engine);
  return engine;
}

/** Waits until a process is the owner and has begun: groups are marked after the former owner's transactions have ended. */
async function ownedBy({ pid }: EngineProcess): Promise<void> {
  await eventually(
    `process ${pid} is the owner`,
    async () => {
      const rows = await sql`select from timeline.consumer_group where owner not like ${`%/${pid}/%`} or owner is null`;
      return rows.length === 0;
    },
    15_000,
  );
}

const allAre = (completed: number, failed: number) =>
  eventually(
    "all sagas are final and every effect stands there once",
    async () => {
      const seen = await countRelay(sql);
      if (!Bun.deepEquals(seen, relayCount(completed, failed))) throw new Error(JSON.stringify(seen));
      return true;
    },
    30_000,
  );

/** Everything that a process wrote as a consumer, a timer or a projection: all but the calls of its API. */
async function writtenBy({ pid }: EngineProcess) {
  const [row] = await sql`
    select
      (select count(*)::integer from timeline.event_consumption c join timeline.event_request r using (message_id)
        where c.consumer like ${`%/${pid}`} and r.producer not like 'api@%') as consumptions,
      (select count(*)::integer from timeline.event_request
        where producer like ${`%/${pid}`} and producer not like 'api@%') as requests
  `;
  return row;
}

test("a standby takes over from an owner that is killed, and every effect happens once", async () => {
  await startMany(() => owner.url, "calm", 8);
  await allAre(6, 2);

  const starting = startMany(() => standby.url, "killed", 60);
  await eventually("the load is under way", async () => (await countRelay(sql)).started >= 30);
  await owner.end("SIGKILL");
  await ownedBy(standby);
  await starting;
  await allAre(51, 17);
  expect(standby.output()).toContain("another process owns the embedded transport: this one is its standby");
  expect(standby.output()).toContain("this process has taken over the embedded transport");
}, 60_000);

test("an owner that is stopped in the middle of its batches and woken up writes nothing more", async () => {
  owner = standby;
  standby = await another();
  const gate = join(folder, "gate");
  const locker = await sql.reserve();
  try {
    // One handler that waits in the database, one that waits in its process; both transactions are open.
    await locker`select pg_advisory_lock(77)`;
    const held = [
      await startRelay(() => owner.url, { note: "waits in the database", gate: "lock" }),
      await startRelay(() => owner.url, { note: "waits in the process", gate }),
    ];
    await eventually("both handlers wait", async () => {
      const open = await sql`
        select from pg_stat_activity where datname = current_database() and usename like '%north' and xact_start is not null
      `;
      return open.length >= 2;
    });
    const starting = startMany(() => standby.url, "stopped", 60);
    await eventually("the load is under way", async () => (await countRelay(sql)).started >= 68 + 30);
    owner.signal("SIGSTOP");
    await ownedBy(standby);
    const before = await writtenBy(owner);

    // The held sagas wait at their gates again, in the new owner; all others end.
    await starting;
    await eventually(
      "all but the held ones are final",
      async () => {
        const { sagas } = await countRelay(sql);
        return sagas["completed"] === 51 + 45 && sagas["failed"] === 17 + 15;
      },
      30_000,
    );

    owner.signal("SIGCONT");
    await Bun.write(gate, "open");
    await locker`select pg_advisory_unlock(77)`;
    for (const sagaId of held)
      await eventually(`${sagaId} completes`, async () => {
        const [saga] = await sql`select status from timeline.saga where id = ${sagaId}`;
        return saga?.["status"] === "completed";
      });
    await eventually("the woken process knows that it is a standby", async () => {
      const health = (await (await fetch(`${owner.url}/health/ready`)).json()) as { parts: { detail: string }[] };
      return health.parts.some(({ detail }) => detail.startsWith("embedded, standby of"));
    });
    // What it accepts now, the new owner carries out.
    await startMany(() => owner.url, "woken", 8);
    await allAre(51 + 45 + 2 + 6, 17 + 15 + 2);
    expect(await writtenBy(owner)).toEqual(before);
  } finally {
    locker.release();
  }
}, 90_000);

test("a process that was woken up takes over again when it is its turn", async () => {
  await standby.end("SIGKILL");
  await ownedBy(owner);
  await startMany(() => owner.url, "again", 8);
  await allAre(104 + 6, 34 + 2);
}, 60_000);
