import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, isNoOutcome, type Sql } from "../../engine/timeline/database.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { type PostgresProxy, postgresProxy } from "../support/postgres-proxy.ts";

let database: FreshDatabase;
let proxy: PostgresProxy;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  proxy = await postgresProxy(database.url);
  sql = connect(proxy.url, { max: 1, name: "lost" });
}, 60_000);
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await proxy?.close();
  await database?.drop();
}, 30_000);

for (const fate of ["cut", "reset"] as const) {
  test(`a connection that is ${fate} in a transaction leaves nothing behind for the next one`, async () => {
    for (let round = 0; round < 20; round += 1) {
      proxy.decide(({ text }) => (text.includes("pg_sleep") ? fate : "pass"));
      const lost = await sql.begin((tx) => tx`select pg_sleep(9)`).catch((error: unknown) => error);
      proxy.decide(() => "pass");
      const rows = await sql.begin(async (tx) => [await tx`select 1 as n`, await tx`select ${round}::int as n`]);

      expect(isNoOutcome(lost)).toBe(true);
      expect(rows.flat().map(({ n }) => n)).toEqual([1, round]);
    }
  }, 20_000);
}
