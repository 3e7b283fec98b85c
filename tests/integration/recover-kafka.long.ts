import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import postgres from "postgres";

import { startConnect } from "../../engine/stack/connect.ts";
import { startKafka } from "../../engine/stack/kafka.ts";
import { type RunningStack, startStack } from "../../engine/stack/start-stack.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { cliProcess } from "../support/cli-process.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const root = resolve(import.meta.dir, "../..");
const timeoutMs = 300_000;

let home: TempHome;
let stack: RunningStack;
let database: FreshDatabase;
let sql: postgres.Sql;
let engine: EngineProcess | undefined;
let environment: Record<string, string>;
const client = new Client(() => engine?.url ?? "");

beforeAll(async () => {
  home = await tempHome();
  stack = await startStack({ home: home.path, java: testJava });
  database = await freshDatabase(stack.postgres);
  sql = postgres(database.url, { max: 2, onnotice: () => {} });
  environment = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: stack.brokers,
    KAFKA_CONNECT_URL: stack.connectUrl,
    KAFKA_PARTITIONS: "2",
    EKIDEN_PREFIX: "lost-",
    EKIDEN_DOMAINS: LAB,
  };
  engine = await startProcess(root, environment);
}, timeoutMs);

afterAll(async () => {
  await engine?.end("SIGKILL");
  await sql?.end({ timeout: 5 });
  stack?.connect.kill("SIGKILL");
  await stack?.connect.stop();
  await stack?.kafka.stop();
  await stack?.postgres.stop();
  await home?.remove();
}, timeoutMs);

/** Another Kafka at the same address, with nothing in it: the broker's and Connect's data are gone. */
async function wipeKafka(): Promise<void> {
  const { kafka, connect } = stack;
  connect.kill("SIGKILL");
  await connect.stop();
  kafka.kill("SIGKILL");
  await kafka.stop();
  await rm(join(home.path, "kafka"), { recursive: true, force: true });
  const empty = await startKafka({ home: home.path, java: testJava, port: kafka.port });
  const worker = await startConnect({ home: home.path, java: testJava, bootstrap: empty.brokers, port: connect.port });
  stack = { ...stack, kafka: empty, connect: worker };
}

async function historyPart(): Promise<{ ok: boolean; detail: string; hint: string } | undefined> {
  const { json } = await client.call("GET", "/health/ready");
  return (json as { parts: { part: string; ok: boolean; detail: string; hint: string }[] }).parts.find(
    ({ part }) => part === "history",
  );
}

/** As a watch notes it that sees the wiped Kafka first. */
async function slotIsLost(): Promise<void> {
  await sql`
    insert into timeline.slot_loss (id, slot, cause) values (timeline.new_ulid(), 'lost_ekiden_outbox', 'it was dropped')
    on conflict (slot) where renewed_at is null do nothing
  `;
}

/** A message that failed at a place of the Kafka that is wiped then. */
async function failedAt(topic: string, offset: number): Promise<void> {
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, topic, partition, "offset", consumer, error_flag,
      error_code, received_at)
    values ('lab', timeline.new_ulid(), ${topic}, 0, ${offset}, 'test', true, 'exception', clock_timestamp())
  `;
}

async function placesOfFailed() {
  return [
    ...(await sql`
      select partition, "offset" from timeline.event_consumption where error_flag and consumer_group = 'lab'
    `),
  ];
}

async function recoveries() {
  return [...(await sql`select reason, before->>'need' as need from timeline.audit where action = 'history.recover'`)];
}

async function openLosses(): Promise<number> {
  return (await sql`select from timeline.slot_loss where closed_at is null or renewed_at is null`).length;
}

async function lagOf(group: string): Promise<number> {
  return ((await client.ok("GET", `/v1/consumer-groups/${group}`)) as { lag: number }).lag;
}

test(
  "after all of Kafka was wiped every saga ends, each effect once, although the first recovery was killed",
  async () => {
    const waiting = await Promise.all(
      Array.from({ length: 4 }, (_, n) => client.start("waiting", { note: `w${n}`, patience: "long" })),
    );
    for (const { sagaId } of waiting)
      await eventually("the saga waits", async () => ((await client.saga(sagaId)).waitingFor ?? []).length > 0);
    // In progress: their commands lie in Kafka alone, and the slot has passed them.
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "commands must stay in Kafka" });
    const running = await Promise.all(Array.from({ length: 4 }, (_, n) => client.start("one_step", { note: `r${n}` })));
    await eventually("the commands lie in Kafka", async () => (await lagOf("lab")) === running.length);

    await failedAt("lab.one", 1_000_000);
    await wipeKafka();
    const part = await eventually("the health is red", historyPart, 90_000);
    expect(part).toMatchObject({ ok: false, hint: expect.stringContaining("ekiden recover") });
    expect(part.detail).toContain("this history was sent to");
    const late = await client.start("one_step", { note: "recorded meanwhile" });
    const [saga] = await sql`select status, sequence::integer from timeline.saga where id = ${late.sagaId}`;
    expect(saga).toEqual({ status: "running", sequence: 0 });
    const resumed = await client.call("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "impatient" });
    expect(resumed).toMatchObject({ status: 409, json: { code: "group.held" } });

    const preview = await ekiden(["recover", "--preview", "--json"], environment);
    expect(preview).toMatchObject({ code: 0 });
    expect(JSON.parse(preview.out)).toMatchObject({ need: { code: "kafka.emptied" }, preview: true, future: [] });
    expect(JSON.parse(preview.out).missing.messages).toBeGreaterThanOrEqual(running.length);

    await slotIsLost();
    const startedAt = performance.now();
    const killed = cliProcess(["recover", "--reason", "Kafka was wiped"], "", "", environment);
    await eventually("it is at work", async () => killed.errors().includes("begins anew"), 60_000);
    killed.kill("SIGKILL");
    await killed.ended;
    expect(await historyPart()).toMatchObject({ ok: false });

    const done = await ekiden(["recover", "--reason", "Kafka was wiped"], environment);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining("Recovered in") });
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "a person's pause is a person's" });
    for (const { sagaId } of waiting) await client.ok("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true });
    for (const { sagaId } of [...waiting, ...running, late])
      expect(
        await eventually(
          "the saga ends",
          async () => {
            const seen = await client.settled(sagaId);
            return seen.status === "completed" ? seen.status : undefined;
          },
          90_000,
        ),
      ).toBe("completed");
    console.log(
      `Kafka wiped: healed ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after the recovery began`,
    );

    const effects = await sql`select step_key, count(*)::integer as times from lab.effect group by step_key`;
    expect(effects.filter(({ times }) => times !== 1)).toEqual([]);
    expect(effects).toHaveLength(waiting.length * 2 + running.length + 1);
    await eventually(
      "the engine is ready",
      async () => (await client.call("GET", "/health/ready")).status === 200,
      60_000,
    );
    expect(await recoveries()).toEqual([{ reason: "Kafka was wiped", need: "kafka.emptied" }]);
    expect(await openLosses()).toBe(0);
    expect(await placesOfFailed()).toEqual([{ partition: null, offset: null }]);
    expect(await ekiden(["recover", "--reason", "once more"], environment)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing needs to be recovered"),
    });
  },
  timeoutMs,
);
