import { afterAll, beforeAll, expect, test } from "bun:test";
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import postgres from "postgres";

import { HistoryWatch } from "../../engine/recovery/history-watch.ts";
import { readHistory } from "../../engine/recovery/identity.ts";
import { type RunningPostgres, startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { connect } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const root = resolve(import.meta.dir, "../..");
const timeoutMs = 120_000;

let home: TempHome;
let server: RunningPostgres;
let engine: EngineProcess | undefined;
const client = new Client(() => engine?.url ?? "");

beforeAll(async () => {
  home = await tempHome();
  server = await startEmbeddedPostgres({ home: home.path });
}, timeoutMs);

afterAll(async () => {
  await engine?.end("SIGKILL");
  await server?.stop();
  await home?.remove();
}, timeoutMs);

/** Recovery from an archive, as to a point in time: it ends on a timeline of its own. */
async function restoreToAPoint(): Promise<void> {
  const data = await realpath(join(home.path, "postgres"));
  await server.stop();
  await Bun.write(join(data, "recovery.signal"), "");
  server = await startEmbeddedPostgres({ home: home.path, port: server.port, settings: { restore_command: "false" } });
}

test(
  "a database restored to a point in time is noticed on the embedded transport, starts are recorded, and after the recovery all end",
  async () => {
    const database = await freshDatabase(server);
    const environment = { DATABASE_URL: database.url, EKIDEN_DOMAINS: LAB };
    engine = await startProcess(root, environment);
    const waiting = await client.start("waiting", { note: "a", patience: "long" });
    await eventually("it waits", async () => ((await client.saga(waiting.sagaId)).waitingFor ?? []).length > 0);
    expect(await ekiden(["recover", "--reason", "nothing happened"], environment)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing needs to be recovered"),
    });
    expect(await ekiden(["recover"], environment)).toMatchObject({ code: 2 });
    await engine.end("SIGTERM");

    await restoreToAPoint();
    engine = await startProcess(root, environment);
    const { status, json } = await client.call("GET", "/health/ready");
    expect(status).toBe(503);
    expect((json as { parts: { part: string }[] }).parts.find(({ part }) => part === "history")).toMatchObject({
      detail: expect.stringContaining("PostgreSQL is on timeline 2, this history was written on 1"),
    });
    await client.ok("POST", `/v1/sagas/${waiting.sagaId}/signals/decided`, { ok: true });
    const late = await client.start("three", { note: "recorded meanwhile" });
    expect(late.status).toBe("running");
    const preview = await ekiden(["recover", "--preview", "--json"], environment);
    expect(JSON.parse(preview.out)).toMatchObject({ need: { code: "database.restored" }, moves: [], future: [] });
    expect((await client.saga(late.sagaId)).steps).toEqual([]);

    const done = await ekiden(["recover", "--reason", "restored"], environment);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining("Recovered in") });
    for (const { sagaId } of [waiting, late]) expect((await client.settled(sagaId)).status).toBe("completed");
    await eventually("the engine is ready", async () => (await client.call("GET", "/health/ready")).status === 200);
  },
  timeoutMs,
);

test(
  "while it runs, an engine notices that the database was made again, and holds the groups that no person has paused",
  async () => {
    const database: FreshDatabase = await freshDatabase(server);
    const sql = connect(database.url, { max: 2, name: "history" });
    const log = createLog("json", () => {});
    try {
      await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
      await sql`insert into timeline.consumer_group (consumer_group, paused) values ('dispatcher', false), ('lab', true)`;
      const watch = new HistoryWatch(sql, log);
      await watch.look();
      expect(watch.need).toBeNull();
      // Made again from a dump: everything is as it was but the database itself.
      await sql`update timeline.identity set database_oid = '1'`;
      await watch.look();
      expect(watch.need).toEqual({
        code: "database.restored",
        detail: "the database was made again, from a dump or a template",
      });
      const groups =
        await sql`select consumer_group, paused, held from timeline.consumer_group order by consumer_group`;
      expect([...groups]).toEqual([
        { consumer_group: "dispatcher", paused: true, held: true },
        { consumer_group: "lab", paused: true, held: false },
      ]);
    } finally {
      await sql.end({ timeout: 5 });
      await database.drop();
    }
  },
  timeoutMs,
);

test(
  "a login that may not read the control file is told apart by the rest",
  async () => {
    const database = await freshDatabase(server);
    const owner = postgres(database.url, { max: 1, onnotice: () => {} });
    const sql = connect(database.url, { max: 1, name: "history" });
    try {
      await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
      await owner`revoke execute on function pg_control_system() from public`;
      await owner`create role plain nologin`;
      await owner`grant usage on schema timeline to plain`;
      await owner`grant select, insert on timeline.identity to plain`;
      await sql`set role plain`;
      expect(await readHistory(sql)).toMatchObject({
        known: { systemIdentifier: null },
        present: { timelineId: 2 },
        need: null,
      });
    } finally {
      await sql.end({ timeout: 5 });
      await owner`drop owned by plain`;
      await owner`drop role plain`;
      await owner.end({ timeout: 5 });
      await database.drop();
    }
  },
  timeoutMs,
);
