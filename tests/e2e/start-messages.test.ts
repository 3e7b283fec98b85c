import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { Client, type SagaJson } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, type TransportKind, testEngine, TRANSPORTS } from "../support/engine.ts";
import { writeRequest } from "../support/kafka.ts";
import { testStack } from "../support/stack.ts";

const GROUP = "start.heard";

/** What is edited while the engine runs: the author's number, the topic, and the word that stands before the note. */
function heard(version: number, start: { topic: string; word: string } | null): string {
  const on =
    start === null
      ? ""
      : `start:
  topic: ${start.topic}
  if: event.wanted
  input: { note: "${start.word} \${ event.note }" }
`;
  return `saga: heard
version: ${version}
input:
  note: string(1..40)
${on}steps:
  - step: only
    command: lab.one
    with: \${ input }
    compensate: lab.undo
`;
}

describe.each([...TRANSPORTS])("a definition with `start` on the %s transport", (kind) => {
  let domains: EditableDomains;
  let lab: TestEngine;
  let say: Speaker;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    domains = await editableLab();
    await domains.write("heard", heard(1, { topic: "orders.placed", word: "heard" }));
    lab = await testEngine(kind, { domains: domains.path });
    say = await speaker(kind, lab);
  }, 120_000);
  afterAll(async () => {
    await say?.end();
    await lab?.close();
    await domains?.remove();
  }, 60_000);

  /** The sagas whose note ends so. */
  const started = async (note: string): Promise<readonly SagaJson[]> => {
    const rows = await lab.sql<{ id: string }[]>`select id from timeline.saga where input->>'note' like ${`%${note}`}`;
    return Promise.all(rows.map(({ id }) => client.settled(id)));
  };
  const one = (note: string) =>
    eventually(`a saga is started for "${note}"`, async () => (await started(note))[0]) as Promise<SagaJson>;
  const records = async (note: string): Promise<readonly Row[]> => [
    ...(await lab.sql<Row[]>`
      select correlation_id, error_flag, error_code, attempts from timeline.event_consumption
      where consumer_group = ${GROUP} and message_body::text like ${`%${note}%`}
    `),
  ];
  const rewind = async (topic: string) => {
    for (let partition = 0; partition < (kind === "kafka" ? 3 : 1); partition++) {
      const to = { topic, partition, offset: 0, reason: "test" };
      await client.call("POST", `/v1/consumer-groups/${GROUP}/rewind`, to);
    }
    await consumed();
  };
  const consumed = () =>
    eventually("the group has read everything", async () => {
      const group = (await client.ok("GET", `/v1/consumer-groups/${GROUP}`)) as { lag: number };
      return group.lag === 0;
    });

  test("starts one saga for a message, delivered twice or rewound to", async () => {
    const message = { id: await newId(lab), note: "one order", wanted: true };
    await say.tell("orders.placed", message);
    const saga = await one("one order");
    expect(saga.status).toBe("completed");
    expect(await records("one order")).toEqual([
      { correlation_id: saga.sagaId, error_flag: false, error_code: null, attempts: 1 },
    ]);
    // An outbox holds each id once; only Kafka can bring a message a second time.
    if (kind === "kafka") await say.tell("orders.placed", message);
    await rewind("orders.placed");

    expect(await started("one order")).toHaveLength(1);
    expect(await records("one order")).toHaveLength(1);
  }, 60_000);

  test("finds the saga that a process had started before it died, though the definition was edited since", async () => {
    await say.tell("orders.placed", { id: await newId(lab), note: "half done", wanted: true });
    const saga = await one("half done");
    await eventually("it is recorded", async () => (await records("half done")).length === 1);
    // The process died between the start and the record of it.
    await lab.sql`
      delete from timeline.event_consumption where consumer_group = ${GROUP} and correlation_id = ${saga.sagaId}
    `;
    await domains.write("heard", heard(2, { topic: "orders.placed", word: "listened to" }));
    await eventually("the edit is in use", async () => {
      await say.tell("orders.placed", { id: await newId(lab), note: "after the edit", wanted: true });
      return (await started("listened to after the edit")).length > 0;
    });
    await rewind("orders.placed");

    expect(await started("half done")).toHaveLength(1);
    expect(await records("half done")).toEqual([
      { correlation_id: saga.sagaId, error_flag: false, error_code: null, attempts: 1 },
    ]);
  }, 60_000);

  test("starts none when the condition is false, and records that it has looked", async () => {
    await say.tell("orders.placed", { id: await newId(lab), note: "not wanted", wanted: false });
    await eventually("it is consumed", async () => (await records("not wanted")).length === 1);

    expect(await records("not wanted")).toEqual([
      { correlation_id: null, error_flag: false, error_code: null, attempts: 1 },
    ]);
    expect(await started("not wanted")).toEqual([]);
  }, 60_000);

  test("makes an error row of a message that does not fit, and goes on", async () => {
    await say.tell("orders.placed", { id: await newId(lab), note: "x".repeat(50), wanted: true });
    await say.tell("orders.placed", { id: await newId(lab), note: "without a wish" });
    if (kind === "kafka") await say.raw("orders.placed", '{"note":"no json');
    // Two numbers that would be read as one.
    for (const last of [1, 2])
      await say.raw("orders.placed", `{"note":"numbered","wanted":true,"number":179000000000000000${last}}`);
    await say.tell("orders.placed", { id: await newId(lab), note: "behind them", wanted: true });
    expect((await one("behind them")).status).toBe("completed");
    await consumed();

    const codes = async (note: string) => (await records(note)).map(({ error_code: code }) => code);
    expect(await codes("xxxxx")).toEqual(["saga.input-invalid"]);
    expect(await codes("without a wish")).toEqual(["expression.failed"]);
    if (kind === "kafka") expect(await codes("no json")).toEqual(["message.malformed"]);
    expect(await codes("numbered")).toEqual(["message.malformed", "message.malformed"]);
    expect(await started("numbered")).toEqual([]);
    // Rewound to, what failed is tried again; nothing of it has changed.
    await rewind("orders.placed");
    expect((await records("xxxxx"))[0]).toMatchObject({ error_code: "saga.input-invalid", attempts: 2 });
  }, 60_000);

  test("goes back to the first that failed, though no request of the engine's stands behind it", async () => {
    const failed = async () => {
      const [row] = await lab.sql<{ failed: number }[]>`
        select count(*)::integer as failed from timeline.event_consumption where consumer_group = ${GROUP} and error_flag
      `;
      return row?.failed;
    };
    const before = await failed();
    const path = `/v1/consumer-groups/${GROUP}/rewind`;
    const { parts } = (await client.ok("POST", `${path}?preview=true`, { firstError: true })) as {
      parts: { run: number }[];
    };
    expect(parts.reduce((sum, { run }) => sum + run, 0)).toBe(before as number);

    await domains.write("heard", heard(2, { topic: "orders.placed", word: "listened to" }).replace("1..40", "1..80"));
    await eventually("the edit is in use", async () => {
      const { source } = (await client.ok("GET", "/v1/definitions/heard")) as { source: string };
      return source.includes("1..80");
    });
    await client.ok("POST", path, { firstError: true, reason: "longer notes are taken" });

    await eventually("the one that fits now has started its saga", async () => (await started("xxxxx")).length === 1);
    await consumed();
    expect(await failed()).toBe((before as number) - 1);
  }, 60_000);

  test("passes over one that a person has dismissed, whatever is rewound to", async () => {
    const note = "y".repeat(90);
    await say.tell("orders.placed", { id: await newId(lab), note, wanted: true });
    await eventually("it starts nothing", async () => (await records(note))[0]?.error_flag);
    const [failed] = await lab.sql<{ id: string }[]>`
      select message_id as id from timeline.event_consumption
      where consumer_group = ${GROUP} and error_flag and message_body::text like ${`%${note}%`}
    `;
    const path = `/v1/messages/${failed?.id}/dismiss`;
    const dismissed = await client.ok("POST", path, { reason: "a duplicate of theirs" });
    expect(dismissed).toEqual({ messageId: failed?.id, groups: [GROUP] } as never);
    await rewind("orders.placed");
    expect((await records(note))[0]).toMatchObject({
      error_flag: false,
      error_code: "saga.input-invalid",
      attempts: 1,
    });
  }, 60_000);

  test("follows the definition to another topic while the engine runs, and stops when it has no `start` any more", async () => {
    await domains.write("heard", heard(3, { topic: "orders.confirmed", word: "confirmed" }));
    await say.tell("orders.confirmed", { id: await newId(lab), note: "second topic", wanted: true });
    expect((await one("second topic")) as object).toMatchObject({ version: 3, status: "completed" });
    await say.tell("orders.placed", { id: await newId(lab), note: "former topic", wanted: true });

    // A file with a mistake changes nothing: the last good revision stays.
    await domains.write("heard", heard(4, { topic: "orders.confirmed", word: "broken" }).replace("lab.one", "lab.on"));
    await eventually("the mistake is reported", async () => lab.log.some((line) => line.includes("lab.on")));
    await say.tell("orders.confirmed", { id: await newId(lab), note: "still followed", wanted: true });
    expect((await one("still followed")) as object).toMatchObject({ version: 3, status: "completed" });

    await domains.write("heard", heard(5, null));
    await eventually("version 5 is current", async () => {
      const { version } = (await client.ok("GET", "/v1/definitions/heard")) as { version: number };
      return version === 5;
    });
    await eventually("nobody reads for it", async () => {
      const { status } = await client.call("GET", `/v1/consumer-groups/${GROUP}`);
      return status === 404;
    });
    await say.tell("orders.confirmed", { id: await newId(lab), note: "unheard", wanted: true });
    // Back again, it goes on where it had stopped: the message was not passed over.
    await Bun.sleep(1_500);
    expect(await started("unheard")).toEqual([]);
    await domains.write("heard", heard(6, { topic: "orders.confirmed", word: "again" }));
    expect((await one("unheard")) as object).toMatchObject({ version: 6 });
    expect(await started("former topic")).toEqual([]);
  }, 60_000);
});

interface Row {
  readonly correlation_id: string | null;
  readonly error_flag: boolean;
  readonly error_code: string | null;
  readonly attempts: number;
}

interface Message {
  readonly id: string;
  readonly note: string;
  readonly wanted?: boolean;
}

/** Another program that writes to topics. */
interface Speaker {
  tell(topic: string, message: Message): Promise<unknown>;
  /** A body as it stands, without an id. */
  raw(topic: string, value: string): Promise<unknown>;
  end(): Promise<void>;
}

async function speaker(kind: TransportKind, lab: TestEngine): Promise<Speaker> {
  const known = (topic: string) =>
    eventually(`there is a topic ${topic}`, async () => {
      const rows = await lab.sql`select name from timeline.topic where name = ${topic}`;
      return rows.length === 1;
    });
  if (kind === "embedded") return outboxSpeaker(lab, known);
  const brokers = [(await testStack()).brokers];
  const producer: Producer = new Kafka({ brokers, clientId: "shop", logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const send = async (topic: string, message: { value: string; headers?: Record<string, string> }) => {
    await known(topic);
    return producer.send({ topic: lab.prefix + topic, messages: [{ key: "shop", ...message }] });
  };
  return {
    tell: (topic, { id, ...body }) => send(topic, { value: JSON.stringify(body), headers: { id } }),
    raw: (topic, value) => send(topic, { value }),
    end: () => producer.disconnect(),
  };
}

function outboxSpeaker({ sql }: TestEngine, known: (topic: string) => Promise<unknown>): Speaker {
  return {
    tell: async (topic, { id, ...body }) => {
      await known(topic);
      return writeRequest(sql, {
        key: id,
        topic,
        type: "order.placed",
        body: body as never,
        columns: { message_id: id },
      });
    },
    // As it stands: the driver's own JSON would round its numbers.
    raw: async (topic, value) => {
      await known(topic);
      const id = await newId({ sql } as TestEngine);
      await writeRequest(sql, {
        key: id,
        topic,
        type: "order.placed",
        body: {},
        columns: { message_id: id, message_body: sql`${value}::text::jsonb` as never },
      });
    },
    end: async () => {},
  };
}

async function newId({ sql }: TestEngine): Promise<string> {
  const [row] = await sql<{ id: string }[]>`select timeline.new_ulid() as id`;
  return (row as { id: string }).id;
}
