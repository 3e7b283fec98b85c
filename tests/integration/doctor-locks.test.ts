import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";

import { lockChecks } from "../../engine/recovery/doctor/lock-checks.ts";
import { connect } from "../../engine/timeline/database.ts";
import { eventually } from "../support/engine.ts";
import { type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";

const timeoutMs = 60_000;

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
}, timeoutMs);

afterAll(() => database?.drop(), timeoutMs);

test(
  "the doctor names who holds what the engine waits for, and how to end it; engines that wait for each other are no finding",
  async () => {
    const engine = connect(database.url, { max: 2, name: "dispatcher" });
    const person = postgres(database.url, { max: 1, connection: { application_name: "psql" } });
    const lock = "lock table timeline.saga in access exclusive mode";
    const doctor = connect(database.url, { max: 1, name: "doctor" });
    const look = () => lockChecks(doctor, 0);
    const free = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const well = [{ check: "locks", level: "ok" }];
    const waits = () => database.sql`select from pg_locks where not granted and relation = 'timeline.saga'::regclass`;
    try {
      expect(await look()).toMatchObject(well);
      const one = engine.begin(async (tx) => {
        await tx.unsafe(lock);
        held.resolve();
        await free.promise;
      });
      await held.promise;
      const other = engine`select count(*) from timeline.saga`.execute();
      await eventually("the other waits", async () => (await waits()).length > 0);
      expect(await look()).toMatchObject(well);
      free.resolve();
      await Promise.all([one, other]);

      await person.begin(async (tx) => {
        await tx.unsafe(lock);
        const [own] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        const waiting = engine`select count(*) from timeline.saga`.execute();
        const [finding] = await eventually("it is found", async () => {
          const found = await look();
          return found[0]?.level === "ok" ? undefined : found;
        });
        expect(finding).toMatchObject({
          check: "locks",
          level: "warn",
          detail: expect.stringMatching(
            /^1 session of the engine waits for a lock, the first for \d+ s: pid \d+ \(psql, idle in transaction, its transaction is open for \d+ s\) is in the way$/,
          ),
          fix: expect.stringContaining(`select pg_terminate_backend(${own?.pid});`),
        });
        void waiting.catch(() => {});
      });
    } finally {
      free.resolve();
      await Promise.all([engine, doctor, person].map((sql) => sql.end({ timeout: 5 })));
    }
  },
  timeoutMs,
);
