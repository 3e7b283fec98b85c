import { afterAll, beforeAll, expect, test } from "bun:test";

import { connect, type Sql } from "../../engine/timeline/database.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;
let sql: Sql;

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 3, name: "warm" });
}, 60_000);

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 30_000);

/** Opens as many transactions as there are connections; the session of each. */
function threeAtOnce(): Promise<readonly unknown[]> {
  const one = () => sql.begin((tx) => tx`select pg_backend_pid() as pid, pg_sleep(0.05)`);
  return Promise.all([one(), one(), one()].map(async (rows) => (await rows)[0]?.["pid"] as unknown));
}

test("statements and transactions that come one after another share one session of several", async () => {
  expect(new Set(await threeAtOnce()).size).toBe(3);
  const used: unknown[] = [];
  for (let round = 0; round < 6; round += 1) {
    const [alone] = await sql`select pg_backend_pid() as pid`;
    const [within] = await sql.begin((tx) => tx`select pg_backend_pid() as pid`);
    used.push(alone?.["pid"], within?.["pid"]);
  }

  expect(new Set(used).size).toBe(1);
  expect(new Set(await threeAtOnce()).size).toBe(3);
});
