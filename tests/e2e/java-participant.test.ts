import { afterAll, beforeAll, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import postgres from "postgres";

import { createKafkaTransport } from "../../engine/transport/kafka/kafka-transport.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { JAVA, type JavaParticipant, type JavaProgram, javaProgram } from "../support/java-participant.ts";
import { Collector } from "../support/kafka.ts";
import { type TestStack, testStack } from "../support/stack.ts";

const timeoutMs = 120_000;
const APPRAISE = "appraisal.appraise";

let stack: TestStack;
let engine: TestEngine;
let program: JavaProgram;
let participant: JavaParticipant;
let environment: Record<string, string>;
const client = new Client(() => engine.url);

beforeAll(async () => {
  stack = await testStack();
  [engine, program] = await Promise.all([testEngine("kafka", { domains: JAVA }), javaProgram()]);
  const login = await ekiden(["login", "appraisal"], { DATABASE_URL: engine.engine.databaseUrl, EKIDEN_DOMAINS: JAVA });
  expect(login).toMatchObject({ code: 0, err: "" });
  environment = { DATABASE_URL: login.out.trim(), KAFKA_BROKERS: stack.brokers, EKIDEN_PREFIX: engine.prefix };
  await restart();
}, 240_000);

afterAll(async () => {
  await participant?.end("SIGKILL");
  await program?.remove();
  await engine?.close();
}, 60_000);

async function restart(): Promise<void> {
  participant = program.start(environment);
  await participant.consuming();
}

function valuation(item: string, more: { worth?: number; buyer?: string } = {}) {
  return { item, worth: 1_000, buyer: "Ann", ...more };
}

/** How often an item was appraised and an appraisal of it withdrawn, by what stands in the domain's own tables. */
async function effects(item: string): Promise<{ appraised: number; withdrawn: number }> {
  const [row] = await engine.sql<{ appraised: number; withdrawn: number }[]>`
    select count(distinct a.id)::integer as appraised, count(distinct w.id)::integer as withdrawn
    from appraisal.appraised a left join appraisal.withdrawn w on w.step_key = a.step_key and w.price = a.price
    where a.item = ${item}
  `;
  return row ?? { appraised: -1, withdrawn: -1 };
}

/** The first command of a saga's step. */
async function commandOf(sagaId: string, topic = APPRAISE): Promise<string> {
  return eventually("the command is out", async () => {
    const [row] = await engine.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request
      where correlation_id = ${sagaId} and topic = ${topic} and message_type = 'step.requested' order by message_id
    `;
    return row?.message_id;
  });
}

interface Consumption {
  readonly attempts: number;
  readonly consumer: string;
  readonly error_flag: boolean;
  readonly error_code: string | null;
}

/** What the inbox says of a message once it was consumed. */
async function consumed(messageId: string): Promise<Consumption> {
  return eventually(`${messageId} is consumed`, async () => {
    const [row] = await engine.sql<Consumption[]>`
      select attempts, consumer, error_flag, error_code from timeline.event_consumption
      where consumer_group = 'appraisal' and message_id = ${messageId} and consumed_at is not null
    `;
    return row;
  });
}

/** Events that a message caused, in the words of the timeline. */
async function answersTo(messageId: string): Promise<{ type: string; body: unknown; producer: string }[]> {
  const rows = await engine.sql<{ type: string; body: unknown; producer: string }[]>`
    select message_type as type, message_body as body, producer from timeline.event_request
    where causation_id = ${messageId} and topic = 'timeline' order by message_id
  `;
  return [...rows];
}

/** Sends a copy of a request as a message of its own, with some columns changed. */
async function sendCopy(messageId: string, changed: Record<string, unknown>): Promise<string> {
  const [row] = await engine.sql<{ message_id: string }[]>`
    insert into timeline.event_request
    select (jsonb_populate_record(r, ${engine.sql.json(changed as never)}
      || jsonb_build_object('message_id', timeline.new_ulid(), 'requested_at', clock_timestamp(),
        'xid', pg_current_xact_id()::text, 'producer', 'test@localhost'))).*
    from timeline.event_request r where r.message_id = ${messageId}
    returning message_id
  `;
  return (row as { message_id: string }).message_id;
}

function kafka(): Kafka {
  return new Kafka({ brokers: [stack.brokers], clientId: "ekiden-probe", logLevel: logLevel.NOTHING });
}

test(
  "a saga runs through a participant that has only a Kafka client and SQL",
  async () => {
    const saga = await client.start("valuation", valuation("ring"), "?wait=30s");

    expect(saga).toMatchObject({ status: "completed", output: { price: 900 } });
    expect(await effects("ring")).toEqual({ appraised: 1, withdrawn: 0 });
    const command = await commandOf(saga.sagaId);
    const { consumer, ...row } = await consumed(command);
    expect(row).toEqual({ attempts: 1, error_flag: false, error_code: null });
    expect(consumer).toEndWith(`/${participant.pid}`);
    expect(await answersTo(command)).toEqual([
      { type: "step.succeeded", body: { output: { price: 900 } }, producer: `appraisal@${consumer}` },
    ]);
  },
  timeoutMs,
);

test(
  "its rejection keeps nothing and ends the saga",
  async () => {
    const saga = await client.start("valuation", valuation("button", { worth: 0 }), "?wait=30s");

    expect(saga).toMatchObject({ status: "failed", error: { code: "worthless", step: "appraise" }, uncompensated: [] });
    expect(await effects("button")).toEqual({ appraised: 0, withdrawn: 0 });
  },
  timeoutMs,
);

test(
  "what it did is undone by its own compensation when a later step is rejected",
  async () => {
    const saga = await client.start("valuation", valuation("vase", { buyer: "nobody" }), "?wait=30s");

    expect(saga).toMatchObject({ status: "failed", error: { code: "no_buyer", step: "offer" }, uncompensated: [] });
    expect(await effects("vase")).toEqual({ appraised: 1, withdrawn: 1 });
  },
  timeoutMs,
);

test(
  "a handler that throws is rolled back, recorded, and tried again as the definition says",
  async () => {
    const saga = await client.start("valuation", valuation("fragile cup"), "?wait=30s");

    expect(saga.status).toBe("completed");
    expect(saga.steps.find(({ path }) => path === "appraise")?.attempts).toBe(2);
    expect(await effects("fragile cup")).toEqual({ appraised: 1, withdrawn: 0 });
    const command = await commandOf(saga.sagaId);
    expect(await consumed(command)).toMatchObject({ error_flag: true, error_code: "exception" });
    expect((await answersTo(command)).map(({ type, body }) => ({ type, body }))).toEqual([
      {
        type: "step.failed",
        body: { code: "exception", message: "it fell down", retryable: true, unknown: false },
      },
    ]);
  },
  timeoutMs,
);

test(
  "an output that is not what the saga's `returns` says parks the saga",
  async () => {
    const saga = await client.start("valuation", valuation("painting"), "?wait=30s");

    expect(saga).toMatchObject({ status: "parked", error: { code: "step.contract", step: "appraise" } });
  },
  timeoutMs,
);

test(
  "an attempt that is sent again after its answer gets the stored result and has no second effect",
  async () => {
    const saga = await client.start("valuation", valuation("clock"), "?wait=30s");
    const again = await sendCopy(await commandOf(saga.sagaId), { attempt: 2 });

    expect(await consumed(again)).toMatchObject({ error_flag: false, error_code: null });
    expect((await answersTo(again)).map(({ type, body }) => ({ type, body }))).toEqual([
      { type: "step.succeeded", body: { output: { price: 900 } } },
    ]);
    expect(await effects("clock")).toEqual({ appraised: 1, withdrawn: 0 });
    expect(await client.saga(saga.sagaId)).toMatchObject({ status: "completed", output: { price: 900 } });
  },
  timeoutMs,
);

test(
  "a foreign message is recorded as an error, and what lies behind it is consumed",
  async () => {
    const producer = kafka().producer();
    await producer.connect();
    await producer.send({
      topic: `${engine.prefix}${APPRAISE}`,
      messages: [{ key: "no\u0000saga", value: "no\u0000JSON", headers: { id: "no\u0000ULID" } }],
    });
    await producer.disconnect();

    const row = await eventually("the error row", async () => {
      const rows = await engine.sql`
        select error_code, foreign_id, message_key, message_body from timeline.event_consumption
        where consumer_group = 'appraisal' and foreign_id is not null
      `;
      return rows[0];
    });
    expect(row).toEqual({
      error_code: "message.foreign",
      foreign_id: "no\uFFFDULID",
      message_key: "no\uFFFDsaga",
      message_body: "no\uFFFDJSON",
    });
    expect(await client.start("valuation", valuation("comb"), "?wait=30s")).toMatchObject({ status: "completed" });
  },
  timeoutMs,
);

test(
  "while its group is paused it does nothing, and goes on when the group is resumed",
  async () => {
    await client.ok("POST", "/v1/consumer-groups/appraisal/pause", { reason: "to look at it" });
    const { sagaId } = await client.start("valuation", valuation("fork"));
    await eventually("the claim says why", async () => participant.output().includes("group appraisal is paused"));
    expect(await effects("fork")).toEqual({ appraised: 0, withdrawn: 0 });
    await client.ok("POST", "/v1/consumer-groups/appraisal/resume", { reason: "seen" });

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect(await effects("fork")).toEqual({ appraised: 1, withdrawn: 0 });
  },
  timeoutMs,
);

test(
  "its login cannot stop the pipeline with messages of its own in the log",
  async () => {
    const login = postgres(environment["DATABASE_URL"] as string, { max: 1, onnotice: () => {} });
    await login`select pg_logical_emit_message(true, 'forged', 'transactional'), pg_logical_emit_message(false, 'forged', 'at once')`;
    await login.end({ timeout: 5 });
    const saga = await client.start("valuation", valuation("spoon"), "?wait=30s");

    expect(saga).toMatchObject({ status: "completed" });
    expect((await client.call("GET", "/health/ready")).json).toMatchObject({ ready: true });
  },
  timeoutMs,
);

test(
  "killed between the commit of its transaction and the commit of its offset, it has no second effect",
  async () => {
    const gate = await engine.sql.reserve();
    let killed: { sagaId: string; command: string };
    try {
      await gate`begin`;
      await gate`lock table appraisal.appraised in share mode`;
      const { sagaId } = await client.start("valuation", valuation("lamp"));
      killed = { sagaId, command: await commandOf(sagaId) };
      await eventually("the participant is at it", async () => {
        const rows =
          await gate`select 1 from pg_locks where not granted and relation = 'appraisal.appraised'::regclass`;
        return rows.length === 1;
      });
      // From here on no offset can be committed; the transaction can.
      stack.kafka.kill("SIGSTOP");
      await gate`commit`;
      await consumed(killed.command);
      expect(await participant.end("SIGKILL")).not.toBe(0);
    } finally {
      stack.kafka.kill("SIGCONT");
      await gate`rollback`;
      gate.release();
    }
    const { sagaId, command } = killed;
    await restart();
    const saga = await client.settled(sagaId);

    expect(saga).toMatchObject({ status: "completed", output: { price: 900 } });
    await eventually("the offset follows", async () => (await lag()) === 0);
    expect(await effects("lamp")).toEqual({ appraised: 1, withdrawn: 0 });
    expect(await answersTo(command)).toHaveLength(1);
  },
  timeoutMs,
);

interface Group {
  readonly lag: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly end: number;
    readonly lag: number;
  }[];
}

async function group(): Promise<Group> {
  return client.ok("GET", "/v1/consumer-groups/appraisal");
}

async function lag(): Promise<number> {
  return (await group()).lag;
}

test(
  "a compensation that arrives before its command is answered, and the late command is refused",
  async () => {
    const [first] = (await group()).partitions;
    const held = { topic: first?.topic, partition: first?.partition, offset: 0, reason: "it still runs" };
    const refused = (await client.call("POST", "/v1/consumer-groups/appraisal/rewind", held)) as { json: unknown };
    expect(refused.json).toMatchObject({
      code: "group.rewind-failed",
      detail: expect.stringContaining("if it is a program outside the engine, stop all its processes"),
    });
    expect(await participant.end("SIGTERM")).not.toBe(0);
    const { sagaId } = await client.start("valuation", valuation("mirror"));
    const command = await commandOf(sagaId);
    // The command is passed over, as if it were still on its way; a person can move the group like any other.
    const place = await eventually("the command lies in Kafka", async () =>
      (await group()).partitions.find((one) => one.lag === 1),
    );
    const { topic, partition, end } = place;
    await client.ok("POST", "/v1/consumer-groups/appraisal/rewind", {
      ...{ topic, partition, offset: end, skip: true, reason: "late" },
    });
    await engine.sql`delete from timeline.event_consumption where message_id = ${command}`;
    const [request] = await engine.sql<{ input: never; step_key: string }[]>`
      select message_body->'input' as input, step_key from timeline.event_request where message_id = ${command}
    `;
    const compensates = { stepKey: request?.step_key, input: request?.input };
    const compensation = await sendCopy(command, {
      message_type: "compensation.requested",
      action: "withdraw",
      message_body: { input: request?.input, compensates },
    });
    await restart();
    expect(await consumed(compensation)).toMatchObject({ error_flag: false, error_code: null });
    expect((await answersTo(compensation)).map(({ type }) => type)).toEqual(["compensation.skipped"]);

    await engine.sql`
      insert into timeline.event_republish
      select (jsonb_populate_record(null::timeline.event_republish, to_jsonb(r) || jsonb_build_object(
        'republish_id', timeline.new_ulid(), 'republished_at', clock_timestamp(), 'xid', pg_current_xact_id()::text))).*
      from timeline.event_request r where r.message_id = ${command}
    `;
    expect(await consumed(command)).toMatchObject({ error_flag: false, error_code: "step.closed" });
    expect(await answersTo(command)).toEqual([]);
    expect(await effects("mirror")).toEqual({ appraised: 0, withdrawn: 0 });
  },
  timeoutMs,
);

test(
  "a domain is run by one kind of client: whoever comes second says so and ends",
  async () => {
    const transport = await createKafkaTransport({
      brokers: [stack.brokers],
      prefix: engine.prefix,
      partitions: 3,
      replication: 1,
      connectUrl: null,
      databaseUrl: engine.engine.databaseUrl,
      sql: engine.sql,
      clientId: "ekiden-second",
      log: { info() {}, warn() {}, error() {} },
      missing: async () => 0,
      onFatal() {},
    });
    try {
      const collector = () => new Collector("appraisal", [APPRAISE]);
      await expect(transport.subscribe(collector())).rejects.toMatchObject({ code: "kafka.group-shared" });

      await participant.end("SIGTERM");
      await transport.subscribe(collector());
      const second = program.start(environment);
      expect(await second.ended()).toBe(1);
      expect(second.output()).toContain("in use by another kind of client: a domain is run by one kind only");
    } finally {
      await transport.stop();
    }
  },
  timeoutMs,
);
