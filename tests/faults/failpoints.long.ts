import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import postgres from "postgres";
import { FAILPOINTS } from "../../engine/failpoint.ts";
import { TRANSPORTS } from "../support/engine.ts";
import { FailpointChain } from "../support/failpoint-chain.ts";
import { type FreshDatabase, freshDatabase, testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";

/** Loops that only the embedded transport has, and the auditor, whose lost message a test can only take from the topic log. */
const EMBEDDED = /^(relay|lease|auditor)\./;

describe.each([...TRANSPORTS])("failpoints on the %s transport", (kind) => {
  const failpoints = FAILPOINTS.filter((name) => kind === "embedded" || !EMBEDDED.test(name));
  const prefix = `f${crypto.randomUUID().slice(0, 8)}.`;
  let database: FreshDatabase;
  let sql: postgres.Sql;
  let chain: FailpointChain;
  let connectUrl: string | undefined;

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    database = await freshDatabase(stack?.postgres ?? (await testPostgres()));
    sql = postgres(database.url, { max: 4, onnotice: () => {} });
    connectUrl = stack?.connectUrl;
    const kafka =
      stack === null
        ? {}
        : {
            KAFKA_BROKERS: stack.brokers,
            KAFKA_CONNECT_URL: stack.connectUrl,
            KAFKA_PARTITIONS: "2",
            EKIDEN_PREFIX: prefix,
          };
    chain = new FailpointChain(sql, { DATABASE_URL: database.url, ...kafka });
  }, 180_000);
  afterAll(async () => {
    await chain?.end();
    if (connectUrl !== undefined) await fetch(`${connectUrl}/connectors/${prefix}ekiden-outbox`, { method: "DELETE" });
    await sql?.end({ timeout: 5 });
    await database?.drop();
  }, 60_000);

  test.each(failpoints)(
    "an engine dies at %s",
    async (failpoint) => {
      await chain.dies(failpoint);
    },
    180_000,
  );

  test("whatever they left is carried on: every saga ends, each effect once", async () => {
    await chain.heals();
    const [row] = await sql<{ sagas: number }[]>`
      select count(*)::integer as sagas from timeline.saga where definition = 'course' and status in ('completed', 'failed')
    `;
    expect(row?.sagas).toBeGreaterThanOrEqual(failpoints.length * 3);
  }, 240_000);
});
