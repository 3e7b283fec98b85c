import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Kafka, logLevel, type Message, type Producer } from "kafkajs";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";

/** A message of the event store as it looks on the wire. */
interface Wire {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string | null>>;
}

type Kind = readonly [what: string, make: (own: Wire, other: Wire) => Message, passes?: readonly string[]];

const NOBODY = "01M84000000000000000000000";
const given = (wire: Wire, headers: Record<string, string | Buffer> = {}): Message => ({
  key: wire.key,
  value: wire.value,
  headers: { ...Object.fromEntries(Object.entries(wire.headers).filter(([, text]) => text !== null)), ...headers } as {
    [name: string]: string;
  },
});
const strange = (value: string | Buffer | null, wire: Wire): Message => ({ ...given(wire, { id: NOBODY }), value });

/**
 * What may stand on a topic beside what the engine wrote. `passes`: groups for which it is no error, because they read
 * everything but id, topic and key from the event store, or because they want no events of such a type.
 */
const KINDS: readonly Kind[] = [
  ["nothing at all", () => ({ value: "" })],
  ["no headers", (own) => ({ key: own.key, value: own.value })],
  ["no id", (own) => given({ ...own, headers: { ...own.headers, id: null } })],
  ["an empty id", (own) => given(own, { id: "" })],
  ["an id that is no ULID", (own) => given(own, { id: "42'; drop table timeline.saga; --" })],
  ["an id of bytes", (own) => given(own, { id: Buffer.from([0, 0xff, 0xfe, 0xd8, 0]) })],
  ["an id of 100 KB", (own) => given(own, { id: "x".repeat(100_000) })],
  ["line ends in headers", (own) => given(own, { id: "a\r\nb", correlation_id: "\r\n\r\n", "x\r\ny": "\n" })],
  ["a header called __proto__", (own) => given(own, { id: NOBODY, ["__proto__"]: "x" })],
  ["a message that nobody asked for", (own) => given(own, { id: NOBODY })],
  ["an unknown type", (own) => given(own, { id: NOBODY, type: "banana" }), ["rough.ended"]],
  ["the true one with another key", (own) => ({ ...given(own), key: NOBODY })],
  ["the true one with a key of bytes", (own) => ({ ...given(own), key: Buffer.from([0, 0xff, 0]) })],
  ["the true one without a key", (own) => ({ ...given(own), key: null })],
  ["the true one with another type", (own) => given(own, { type: "banana" }), ["dispatcher", "rough.ended"]],
  ["the true one with another action", (own) => given(own, { action: "undo" }), ["dispatcher", "rough.ended"]],
  ["the true one as if it were external", (own) => given(own, { action: "call" }), ["dispatcher", "rough.ended"]],
  ["the true one as if it were not", (own) => given(own, { action: "notify" }), ["dispatcher", "rough.ended"]],
  ["the true one with another step", (own) => given(own, { step_key: "x/y" }), ["dispatcher", "rough.ended"]],
  ["another topic's message", (_own, other) => given(other), ["rough.ended"]],
  ["a body that is no JSON", (own) => strange("{", own)],
  ["a body of deep brackets", (own) => strange("[".repeat(100_000), own)],
  ["a body with NUL", (own) => strange('{"a":"\u0000"}', own)],
  ["bytes", (own) => strange(Buffer.from([0, 1, 0xd8, 0xff, 0xfe, 0]), own)],
  ["a tombstone", (own) => strange(null, own)],
  ["900 KB", (own) => strange("x".repeat(900_000), own)],
  ["a record without a time", (own) => ({ ...given(own, { id: NOBODY }), timestamp: "-1" })],
  ["a record of 1970", (own) => ({ ...given(own, { id: NOBODY }), timestamp: "1" })],
  ["the same message again", (own) => given(own), ["dispatcher", "rough", "rough.ended"]],
  [
    "the true one with another body",
    (own) => ({ ...given(own), value: '{"input":{"note":"forged"}}' }),
    ["dispatcher", "rough", "rough.ended"],
  ],
  [
    "the true one with a retry policy for ever",
    (own) => given(own, { headers: '{"notify":true,"retry":{"attempts":"forever"}}' }),
    ["dispatcher", "rough", "rough.ended"],
  ],
];

describe("on Kafka", () => {
  let engine: TestEngine;
  let producer: Producer;
  const client = new Client(() => engine.url);
  const wires = new Map<string, Wire>();
  let first: string;

  beforeAll(async () => {
    engine = await testEngine("kafka", { domains: join(import.meta.dir, "../support/rough") });
    const brokers = [(await testStack()).brokers];
    producer = new Kafka({ brokers, clientId: "stranger", logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    first = (await client.start("shouted", { note: "first" }, "?wait=30s")).sagaId;
    const rows = await engine.sql<{ topic: string; type: string; wire: Wire }[]>`
      select r.topic, r.message_type as type, timeline.wire(r) as wire from timeline.event_request r where correlation_id = ${first}
    `;
    for (const { topic, type, wire } of rows)
      if (topic !== "timeline" || type === "saga.completed") wires.set(topic, wire);
    expect([...wires.keys()].sort()).toEqual(["rough.shout", "rough.work", "timeline"]);
  }, 120_000);
  afterAll(async () => {
    await producer?.disconnect();
    await engine?.close();
  }, 60_000);

  /** Puts every kind into every partition of a topic; returns where each one lies. */
  async function flood(topic: string, other: string): Promise<Map<string, Kind>> {
    const places = new Map<string, Kind>();
    for (const kind of KINDS) {
      const message = kind[1](wires.get(topic) as Wire, wires.get(other) as Wire);
      const messages = [0, 1, 2].map((partition) => ({ ...message, partition }));
      for (const { partition, baseOffset } of await producer.send({ topic: engine.prefix + topic, messages }))
        places.set(`${partition}/${baseOffset}`, kind);
    }
    expect(places.size).toBe(3 * KINDS.length);
    return places;
  }

  /** Error rows of a group in a topic by their place. */
  async function errors(group: string, topic: string): Promise<Map<string, string>> {
    const rows = await engine.sql<{ place: string; code: string; message: string | null; id: string }[]>`
      select partition || '/' || "offset" as place, error_code as code, error_message as message, message_id as id
      from timeline.event_consumption where consumer_group = ${group} and topic = ${topic} and error_flag
    `;
    for (const { id, message } of rows) {
      expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      expect(message).toContain("the event store has no such");
    }
    return new Map(rows.map(({ place, code }) => [place, code]));
  }

  test.each([
    ["a participant's batches", ["rough"], "rough.work", "timeline"],
    ["external calls", ["rough"], "rough.shout", "rough.work"],
    ["the dispatcher and a projection", ["dispatcher", "rough.ended"], "timeline", "rough.shout"],
  ] as const)(
    "%s take what is foreign or malformed for an error row, and the sagas behind it go on",
    async (_what, groups, topic, other) => {
      const places = await flood(topic, other);
      const sagas: string[] = [];
      for (const note of ["a", "b", "c", "d", "e"])
        sagas.push((await client.start("shouted", { note: `${topic} ${note}` })).sagaId);
      for (const sagaId of sagas) expect((await client.settled(sagaId)).status).toBe("completed");
      await eventually("the projection has all ends", async () => {
        const rows = await engine.sql`select 1 from rough.ended where saga_id = any (${sagas})`;
        return rows.length === sagas.length;
      });

      for (const group of groups) {
        const expected = [...places].filter(([, [, , passes]]) => !passes?.includes(group)).map(([place]) => place);
        const found = await eventually(`all error rows of ${group}`, async () => {
          const rows = await errors(group, topic);
          return rows.size >= expected.length && rows;
        });
        const said = [...found].map(([place, code]) => [places.get(place)?.[0], code]);
        expect(said.sort()).toEqual(expected.map((place) => [places.get(place)?.[0], "message.foreign"]).sort());
      }
    },
    60_000,
  );

  test("the error rows can be read, their content with them, and nothing was run twice or for a stranger", async () => {
    for (const group of ["rough", "dispatcher", "rough.ended"]) {
      const shown = new Set<string>();
      let path = `/v1/messages?error=true&group=${group}&limit=100`;
      while (path !== "") {
        const page: { items: { messageId: string; failures: { code: string }[] }[]; nextCursor: string | null } =
          await client.ok("GET", path);
        for (const { messageId, failures } of page.items) {
          expect(failures[0]?.code).toBe("message.foreign");
          shown.add(messageId);
        }
        path =
          page.nextCursor === null ? "" : `/v1/messages?error=true&group=${group}&limit=100&cursor=${page.nextCursor}`;
      }
      const [count] = await engine.sql<{ n: number }[]>`
        select count(*)::integer as n from timeline.event_consumption where consumer_group = ${group} and error_flag
      `;
      expect([group, shown.size]).toEqual([group, count?.n as number]);
    }
    const [large] = await engine.sql<{ id: string }[]>`
      select message_id as id from timeline.event_consumption where topic = 'rough.work' and length(message_body #>> '{}') > 200000
    `;
    const message = (await client.ok("GET", `/v1/messages/${large?.id}`)) as { body: string; headers: object };
    expect([message.body.length, message.headers]).toMatchObject([262_144, { id: NOBODY }]);

    const effects = await engine.sql`select step_key, note from rough.effect where step_key like ${`${first}%`}`;
    expect([...effects]).toEqual([{ step_key: `${first}/work`, note: "before" }]);
    expect((await client.saga(first)).status).toBe("completed");
    expect((await client.call("GET", "/health/ready")).status).toBe(200);
  }, 60_000);

  test("copies in one batch with the originals, and strangers between them, run nothing twice", async () => {
    await client.ok("POST", "/v1/consumer-groups/rough/pause", { reason: "test" });
    const sagas: string[] = [];
    for (let count = 0; count < 20; count += 1) sagas.push((await client.start("batched", { note: "copied" })).sagaId);
    const originals = await eventually("all commands are written", async () => {
      const rows = await engine.sql<{ wire: Wire }[]>`
        select timeline.wire(r) as wire from timeline.event_request r where correlation_id = any (${sagas}) and topic = 'rough.work'
      `;
      return rows.length === sagas.length && rows;
    });
    // Keyed, so that Kafka puts them into the partitions of the originals; some come before, some behind them.
    const copies = originals.flatMap(({ wire }) => [given(wire), given(wire, { id: NOBODY }), given(wire)]);
    await producer.send({ topic: `${engine.prefix}rough.work`, messages: copies });
    await client.ok("POST", "/v1/consumer-groups/rough/resume", { reason: "test" });

    for (const sagaId of sagas) expect((await client.settled(sagaId)).status).toBe("completed");
    await eventually("the copies are consumed", async () => {
      const { lag } = (await client.ok("GET", "/v1/consumer-groups/rough")) as { lag: number };
      return lag === 0;
    });
    const effects = await engine.sql`select 1 from rough.effect where note = 'copied'`;
    const answers = await engine.sql`
      select 1 from timeline.event_request where correlation_id = any (${sagas}) and message_type = 'step.succeeded'
    `;
    expect([effects.length, answers.length]).toEqual([20, 20]);
  }, 60_000);
});
