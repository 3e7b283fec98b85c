import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { root } from "../architecture/project-files.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB, TRANSPORTS } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";

/** The last word of a connection's name: the sign of its engine process. */
const signOf = (sql: postgres.Sql) => sql`regexp_replace(application_name, '^.* ', '')`;

describe.each([...TRANSPORTS])("the owner of a rewind is killed on the %s transport", (kind) => {
  let database: FreshDatabase;
  let sql: postgres.Sql;
  let environment: Record<string, string>;
  const engines: EngineProcess[] = [];
  let firstSign = "";

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
    sql = postgres(database.url, { max: 4, onnotice: () => {} });
    environment = {
      DATABASE_URL: database.url,
      EKIDEN_DOMAINS: LAB,
      ...(stack === null
        ? {}
        : {
            KAFKA_BROKERS: stack.brokers,
            KAFKA_CONNECT_URL: stack.connectUrl,
            EKIDEN_PREFIX: `k${crypto.randomUUID().slice(0, 8)}.`,
            KAFKA_PARTITIONS: "2",
          }),
    };
    engines.push(await startProcess(root, environment));
    const [row] = await sql<{ sign: string }[]>`
      select ${signOf(sql)} as sign from pg_stat_activity
      where application_name like 'ekiden transitions %' and datname = current_database()
    `;
    firstSign = row?.sign ?? "";
    engines.push(await startProcess(root, environment));
  }, 240_000);

  afterAll(async () => {
    for (const engine of engines) await engine.end("SIGKILL");
    const connector = environment["KAFKA_CONNECT_URL"];
    if (connector !== undefined)
      await fetch(`${connector}/connectors/${environment["EKIDEN_PREFIX"]}ekiden-outbox`, { method: "DELETE" });
    await sql?.end({ timeout: 5 });
    await database?.drop();
  }, 60_000);

  test("between taking it and its end: the next owner takes it over and ends it", async () => {
    const first = new Client(() => engines[0]?.url ?? "");
    const { sagaId } = await first.start("patient", { note: "before" }, "?wait=30s");
    expect((await first.settled(sagaId)).status).toBe("completed");
    // A handler cannot go on while its table is locked, and the rewind waits for the handler.
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const locker = sql.begin(async (tx) => {
      await tx`lock table lab.effect in access exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const held = await first.start("patient", { note: "held" });
    const owner = await eventually("a handler waits for the table", async () => {
      const [row] = await sql<{ sign: string }[]>`
        select ${signOf(sql)} as sign from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%lab.effect%' and datname = current_database()
      `;
      return row !== undefined && engines[row.sign === firstSign ? 0 : 1];
    });
    const survivor = engines.find((engine) => engine !== owner) as EngineProcess;
    const by = new Client(() => survivor.url);
    const answer = by.call("POST", "/v1/consumer-groups/lab/rewind", {
      timestamp: "2020-01-01T00:00:00Z",
      topic: "lab.one",
      reason: "test",
    }) as Promise<{ status: number; json: { detail?: string } }>;
    await eventually("it is asked for", async () => {
      const rows = await sql`select from timeline.rewind_request where done_at is null`;
      return rows.length > 0;
    });
    await owner.end("SIGKILL");
    release.resolve();
    await locker;

    // Within the call's patience, or behind it: it ends, and the saga goes on.
    await answer;
    await eventually(
      "every request is done",
      async () => {
        const rows = await sql<
          { problem: string | null }[]
        >`select problem from timeline.rewind_request where done_at is null`;
        return rows.length === 0;
      },
      60_000,
    );
    const problems = await sql<
      { problem: string }[]
    >`select problem from timeline.rewind_request where problem is not null`;
    expect([...problems]).toEqual([]);
    const end = await eventually(
      "the saga ends",
      async () => {
        const saga = await by.saga(held.sagaId);
        return saga.status === "completed" && saga;
      },
      60_000,
    );
    expect(end.status).toBe("completed");
    const effects = await sql<{ n: number }[]>`select count(*)::integer as n from lab.effect`;
    expect(effects[0]?.n).toBe(6);
  }, 180_000);
});
