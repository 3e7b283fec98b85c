import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";
import { root } from "../architecture/project-files.ts";
import { runToEnd } from "../support/engine-process.ts";
import { FailpointChain } from "../support/failpoint-chain.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

/** One place of each loop that runs sagas: between two commits where there are two. failpoints.long.ts has all of them. */
const SELECTION = [
  "start.after-commit",
  "dispatcher.after-requests",
  "dispatcher.after-commit",
  "participant.after-effect",
  "participant.after-commit",
  "participant.after-offset",
  "external.after-effect",
  "failure.after-commit",
  "timer.after-effect",
  "call.after-commit",
  "projection.after-commit",
  "relay.after-commit",
  "start-message.after-effect",
];

let database: FreshDatabase;
let sql: postgres.Sql;
let chain: FailpointChain;

beforeAll(async () => {
  database = await freshDatabase();
  sql = postgres(database.url, { max: 4, onnotice: () => {} });
  chain = new FailpointChain(sql, { DATABASE_URL: database.url });
}, 60_000);
afterAll(async () => {
  await chain?.end();
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

test("engines that die at a place of each loop, one after the other, leave every saga to end, each effect once", async () => {
  for (const failpoint of SELECTION) await chain.dies(failpoint);
  await chain.heals();
  const [row] = await sql<{ sagas: number }[]>`
    select count(*)::integer as sagas from timeline.saga where definition = 'course' and status in ('completed', 'failed')
  `;
  expect(row?.sagas).toBeGreaterThanOrEqual(SELECTION.length * 3);
}, 180_000);

test("an engine with a failpoint that is none does not start", async () => {
  const { code, output } = await runToEnd(root, { EKIDEN_TEST: "1", EKIDEN_FAILPOINT: "participant.before-lunch" });

  expect(code).toBe(1);
  expect(output).toContain('EKIDEN_FAILPOINT "participant.before-lunch" is none');
}, 60_000);
