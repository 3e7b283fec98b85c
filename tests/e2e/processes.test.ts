import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";
import { root } from "../architecture/project-files.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { countRelay, RELAY, relayCount } from "../support/relay-effects.ts";
import { startMany } from "../support/relay-load.ts";
import { testStack } from "../support/stack.ts";

/** Sagas that are being started while one role is killed. */
const PART = 40;
const ROLES = ["dispatcher", "dispatcher", "domain:north", "domain:south", "api"];

let database: FreshDatabase;
let sql: postgres.Sql;
let environment: Record<string, string>;
/** One process a role; two for the dispatcher. */
const running: { readonly role: string; engine: EngineProcess }[] = [];

beforeAll(async () => {
  const stack = await testStack();
  database = await freshDatabase(stack.postgres);
  sql = postgres(database.url, { max: 4, onnotice: () => {} });
  environment = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: stack.brokers,
    KAFKA_CONNECT_URL: stack.connectUrl,
    KAFKA_PARTITIONS: "4",
    EKIDEN_PREFIX: `p${crypto.randomUUID().slice(0, 8)}.`,
    EKIDEN_DOMAINS: RELAY,
  };
  const started = await Promise.allSettled(ROLES.map((role) => start(role)));
  for (const result of started) if (result.status === "rejected") throw result.reason;
}, 180_000);

afterAll(async () => {
  for (const { engine } of running) await engine.end("SIGKILL");
  const { KAFKA_CONNECT_URL, EKIDEN_PREFIX } = environment;
  await fetch(`${KAFKA_CONNECT_URL}/connectors/${EKIDEN_PREFIX}ekiden-outbox`, { method: "DELETE" });
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

async function start(role: string): Promise<void> {
  const engine = await startProcess(root, { ...environment, EKIDEN_ROLES: role });
  running.push({ role, engine });
}

/** Kills a process as a machine does that loses its power, and starts its role again, which takes a moment. */
async function cut(role: string, pid = running.find((one) => one.role === role)?.engine.pid): Promise<void> {
  const [gone] = running.splice(
    running.findIndex(({ engine }) => engine.pid === pid),
    1,
  );
  await gone?.engine.end("SIGKILL");
  expect((await openings()).open).toBeGreaterThan(0);
  await start(role);
}

/** The dispatcher that consumed last: it owns partitions. */
async function owningDispatcher(): Promise<number> {
  const [row] = await sql<{ pid: number }[]>`
    select split_part(consumer, '/', -1)::integer as pid from timeline.event_consumption
    where consumer_group = 'dispatcher' and partition is not null and sequence > 1
    order by consumed_at desc limit 1
  `;
  return row?.pid ?? 0;
}

const errors = () => sql`
  select consumer_group, topic, error_code, error_message, attempts from timeline.event_consumption where error_flag limit 5
`;

/** Of its API, which has another port after each start. */
const url = () => running.find(({ role }) => role === "api")?.engine.url || "http://127.0.0.1:9";

async function openings(): Promise<{ accepted: number; open: number }> {
  const [row] = await sql<{ accepted: number; open: number }[]>`
    select (select count(*)::integer from timeline.saga) as accepted,
      (select count(*)::integer from timeline.saga_open) as open
  `;
  return row ?? { accepted: 0, open: 0 };
}

test("roles in processes of their own: each is killed under load, and every effect happens once", async () => {
  await startMany(url, "calm", 8);
  await eventually(
    "the calm ones are final",
    async () => (await countRelay(sql)).sagas["running"] === undefined,
    30_000,
  );
  const dispatchers = running.filter(({ role }) => role === "dispatcher").map(({ engine }) => engine.pid);

  const sagaIds: string[] = [];
  for (const role of ["dispatcher", "domain:north", "api"]) {
    const before = 8 + sagaIds.length;
    const starting = startMany(url, role, PART, 4);
    await eventually("a fourth of them is accepted", async () => (await openings()).accepted >= before + PART / 4);
    const owner =
      role === "dispatcher"
        ? await eventually("one dispatches", async () => (await owningDispatcher()) || undefined)
        : undefined;
    if (owner !== undefined) expect(dispatchers).toContain(owner);
    await cut(role, owner);
    sagaIds.push(...(await starting));
  }

  expect(new Set(sagaIds).size).toBe(3 * PART);
  await eventually(
    "all sagas are final and every effect stands there once",
    async () => {
      const seen = await countRelay(sql);
      if (!Bun.deepEquals(seen, relayCount(6 + (3 * PART * 3) / 4, 2 + (3 * PART) / 4)))
        throw new Error(JSON.stringify({ seen, errors: await errors() }));
      return true;
    },
    120_000,
  );
  for (const { engine } of running.splice(0)) expect(await engine.end("SIGTERM")).toBe(0);
}, 300_000);
