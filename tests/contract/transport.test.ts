import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HTTP } from "cloudevents";
import { newId } from "../../engine/timeline/ids.ts";
import { transact } from "../../engine/timeline/store.ts";
import type { Consumer, Delivery } from "../../engine/transport/port.ts";
import { eventually, TRANSPORTS } from "../support/engine.ts";
import { Collector, timelineDatabase, type TimelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";
import { openSide, type Side, type TransportAddress } from "./open-transport.ts";

describe.each([...TRANSPORTS])("the %s transport", (kind) => {
  let database: TimelineDatabase;
  let address: TransportAddress;
  let side: Side;
  let collector: Collector;
  let consumer: Consumer;

  beforeAll(async () => {
    const stack = kind === "kafka" ? await testStack() : null;
    database = await timelineDatabase(stack?.postgres ?? (await testPostgres()));
    const prefix = `c${crypto.randomUUID().slice(0, 8)}.`;
    address = {
      databaseUrl: database.url,
      kafka: stack === null ? null : { brokers: stack.brokers, connectUrl: stack.connectUrl, prefix },
    };
    await database.sql`create table counter (key text primary key, n integer not null)`;
    await database.sql`create table seen (message_id text not null, pid integer not null)`;
    await openAll();
  }, 120_000);

  afterAll(async () => {
    await side?.close();
    if (address.kafka !== null)
      await fetch(`${address.kafka.connectUrl}/connectors/${address.kafka.prefix}ekiden-outbox`, { method: "DELETE" });
    await database?.drop();
  }, 60_000);

  async function openAll(): Promise<void> {
    side = await openSide(address);
    await side.transport.ensureTopics(["timeline"]);
    collector = new Collector();
    consumer = await side.transport.subscribe(collector);
    side.start();
  }

  const request = (key: string, body: object) => ({
    messageId: newId(),
    correlationId: key,
    causationId: null,
    topic: "timeline",
    messageType: "note.taken",
    saga: "contract",
    stepKey: null,
    action: null,
    attempt: null,
    traceparent: null,
    messageHeaders: null,
    messageBody: body as never,
  });
  /** Writes one message under its key's lock, numbered in commit order. */
  const write = (key: string) =>
    transact(side.store, async (unit) => {
      await unit.tx`select timeline.lock_saga(${key})`;
      const [row] = await unit.tx<{ n: number }[]>`
        insert into counter as c (key, n) values (${key}, 1) on conflict (key) do update set n = c.n + 1 returning n
      `;
      const written = request(key, { n: row?.n ?? 0 });
      unit.request(written);
      return written.messageId;
    });
  /** The same by a program that is no engine: rows that nobody hands over. */
  const writeElsewhere = (key: string) =>
    database.sql.begin(async (tx) => {
      await tx`select timeline.lock_saga(${key})`;
      const [row] = await tx<{ n: number }[]>`
        insert into counter as c (key, n) values (${key}, 1) on conflict (key) do update set n = c.n + 1 returning n
      `;
      const id = newId();
      await tx`
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
        values (${id}, ${key}, 'timeline', ${key}, 'note.taken', ${tx.json({ n: row?.n ?? 0 })}, 'elsewhere@localhost')
      `;
      return id;
    });
  const firstNumbers = (key: string) => {
    const seen = new Set<string>();
    return collector.came
      .filter(
        (delivery) =>
          delivery.key === key && !seen.has(delivery.headers["id"] ?? "") && seen.add(delivery.headers["id"] ?? ""),
      )
      .map((delivery) => (JSON.parse(delivery.value ?? "{}") as { n: number }).n);
  };

  test("what this process has written is its own the first time, and neither what comes again nor what others wrote", async () => {
    const came = (id: string) => collector.came.filter(({ headers }) => headers["id"] === id);
    const others = await writeElsewhere(newId());
    await eventually("another's message came", async () => came(others).length === 1);
    let id = "";
    // Kafka may bring a message before its writer has heard of the commit, and at first a new owner reads the table.
    await eventually("an own message came", async () => {
      id = await write(newId());
      await eventually("the message came", async () => came(id).length === 1);
      return came(id)[0]?.own === true;
    });
    const { topic, partition, offset } = came(id)[0] as Delivery;
    await consumer.rewind(topic, partition, offset);
    await eventually("it came again", async () => came(id).length === 2);

    expect(came(id)[1]?.own).toBeUndefined();
    expect(came(others).map(({ own }) => own)).toEqual([undefined]);
  }, 60_000);

  test("brings every message of concurrent writers, each key in commit order", async () => {
    const own = Array.from({ length: 12 }, () => newId());
    const elsewhere = Array.from({ length: 6 }, () => newId());
    const writers = [
      ...own.map((key) => [key, write] as const),
      ...elsewhere.map((key) => [key, writeElsewhere] as const),
    ];
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => writers)
        .flat()
        .map(async ([key, put]) => {
          const written: string[] = [];
          for (let index = 0; index < 6; index += 1) written.push(await put(key));
          return written;
        }),
    );
    await eventually("every message arrives", async () => ids.flat().every((id) => collector.ids.has(id)), 60_000);

    for (const key of [...own, ...elsewhere])
      expect(firstNumbers(key)).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
  }, 90_000);

  test("brings a rolled-back row never", async () => {
    const key = newId();
    const lost = newId();
    const rolledBack = transact(side.store, async (unit) => {
      unit.request({ ...request(key, {}), messageId: lost });
      await unit.tx`select 1`;
      throw new Error("changed my mind");
    });
    expect(await rolledBack.catch((error: Error) => error.message)).toBe("changed my mind");
    const after = await write(key);
    await eventually("the next message arrives", async () => collector.ids.has(after));

    expect(collector.ids.has(lost)).toBe(false);
  }, 30_000);

  test("shows names and values of headers as the columns say, and a CloudEvent", async () => {
    const key = newId();
    const row = {
      ...request(key, { text: "日本語", list: [1, "two", null] }),
      stepKey: `${key}/apply`,
      action: "register",
      attempt: 2,
      messageHeaders: { timeoutMs: 30_000 },
    };
    await transact(side.store, async (unit) => unit.request(row));
    const delivery = await eventually("it arrives", async () =>
      collector.came.find((candidate) => candidate.headers["id"] === row.messageId),
    );
    const [stored] = await database.sql<
      { wire: { headers: Record<string, string | null>; value: string; key: string } }[]
    >`
      select timeline.wire(r) as wire from timeline.event_request r where message_id = ${row.messageId}
    `;

    const present = (headers: Readonly<Record<string, string | null>>) =>
      Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null));
    expect(present(delivery.headers)).toEqual(present(stored?.wire.headers ?? {}));
    expect(delivery.headers["attempt"]).toBe("2");
    expect(delivery.headers["headers"]).toBe('{"timeoutMs": 30000}');
    expect({ key: delivery.key, value: delivery.value }).toEqual({
      key: stored?.wire.key ?? "",
      value: stored?.wire.value ?? "",
    });
    // Kafka's binary mode writes `ce_` where HTTP writes `ce-`; the library's HTTP binding reads the rest alike.
    const headers = Object.fromEntries(
      Object.entries(present(delivery.headers)).map(([name, value]) => [name.replace(/^ce_/, "ce-"), value as string]),
    );
    const event = HTTP.toEvent({ headers, body: delivery.value });
    expect(event).toMatchObject({
      id: row.messageId,
      type: "note.taken",
      source: "contract@localhost",
      subject: key,
      specversion: "1.0",
      data: row.messageBody,
    } as never);
  }, 30_000);

  test("holds up nobody behind a message that has no outcome", async () => {
    const poisoned = newId();
    const others = Array.from({ length: 5 }, () => newId());
    let mended = false;
    collector.verdict = (delivery) => (delivery.key === poisoned && !mended ? "again" : "done");
    const poison = await write(poisoned);
    const behind = await write(poisoned);
    const free = await Promise.all(others.map(write));
    await eventually("the others arrive", async () => free.every((id) => collector.ids.has(id)));
    expect(collector.ids.has(poison)).toBe(false);
    expect(collector.ids.has(behind)).toBe(false);
    mended = true;
    await eventually("the poisoned key goes on", async () => collector.ids.has(poison) && collector.ids.has(behind));

    const order = collector.done
      .filter((delivery) => delivery.key === poisoned)
      .map((delivery) => delivery.headers["id"]);
    expect(order).toEqual([poison, behind]);
    collector.verdict = () => "done";
  }, 60_000);

  test("rewinds: the committed offset moves, and everything from there comes again", async () => {
    const key = newId();
    const ids = [await write(key), await write(key), await write(key)];
    await eventually("they arrive", async () => ids.every((id) => collector.ids.has(id)));
    const first = collector.done.find((delivery) => delivery.headers["id"] === ids[0]);
    const { topic, partition, offset } = first as NonNullable<typeof first>;
    await eventually("the offset is committed behind them", async () => {
      const at = (await side.transport.offsets("dispatcher", ["timeline"])).find(
        (candidate) => candidate.partition === partition,
      );
      return (at?.committed ?? 0) >= offset + 3;
    });

    await consumer.pause();
    await consumer.rewind(topic, partition, offset);
    const moved = (await side.transport.offsets("dispatcher", ["timeline"])).find(
      (candidate) => candidate.partition === partition,
    );
    expect(moved?.committed).toBe(offset);
    const before = collector.came.length;
    await consumer.resume();
    await eventually("they come again", async () =>
      ids.every((id) => collector.came.slice(before).some((delivery) => delivery.headers["id"] === id)),
    );
  }, 60_000);

  test("a rewind passes over no message that was not consumed, unless it says so", async () => {
    await consumer.pause();
    const before = (await side.transport.offsets("dispatcher", ["timeline"])).map((at) => at.end);
    const key = newId();
    const ids = [await write(key), await write(key)];
    const place = await eventually("they lie in the topic", async () =>
      (await side.transport.offsets("dispatcher", ["timeline"])).find(
        (at, index) => at.end === (before[index] ?? 0) + ids.length,
      ),
    );
    await consumer.rewind("timeline", place.partition, place.end);
    await consumer.resume();
    await eventually("they arrive all the same", async () => ids.every((id) => collector.ids.has(id)));

    await consumer.pause();
    const skipped = await write(key);
    await eventually("one more lies in the topic", async () =>
      (await side.transport.offsets("dispatcher", ["timeline"])).find((at) => at.end === place.end + 1),
    );
    await consumer.rewind("timeline", place.partition, place.end + 1, true);
    await consumer.resume();
    const behind = await write(key);
    await eventually("the one behind it arrives", async () => collector.ids.has(behind));
    expect(collector.ids.has(skipped)).toBe(false);
  }, 60_000);

  test("says who consumes each partition, and how old the oldest message is that waits", async () => {
    const { transport } = side;
    const owner = kind === "kafka" ? `contract-${process.pid}` : `contract/${process.pid}`;
    const places = (await transport.offsets("dispatcher", ["timeline"])).map(({ topic, partition }) => ({
      topic,
      partition,
      owner,
    }));
    expect(await transport.owners("dispatcher", ["timeline"])).toEqual(expect.arrayContaining(places));
    expect(await transport.owners("nobody", ["timeline"])).toEqual([]);
    const waitingMs = async () => transport.waitingMs(await transport.offsets("dispatcher", ["timeline"]));
    await eventually("nothing waits", async () => (await waitingMs()) === null);

    await consumer.pause();
    const writtenAt = performance.now();
    await Promise.all([write(newId()), write(newId())]);
    await eventually("they wait", async () => (await waitingMs()) !== null);
    const ms = await eventually("they grow older", async () => {
      const now = (await waitingMs()) ?? 0;
      return now > 1_500 && now;
    });
    // Kafka's is the age up to which it was searched.
    expect(ms).toBeLessThan((performance.now() - writtenAt) * (1 + 1 / 16) + 1_000);
    await consumer.resume();
    await eventually("nothing waits any more", async () => (await waitingMs()) === null);
  }, 60_000);

  test("loses nothing when a consumer is killed, and another process goes on", async () => {
    await side.close();
    const spawn = () =>
      Bun.spawn([process.execPath, join(import.meta.dir, "consumer-process.ts"), JSON.stringify(address)], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      });
    const first = spawn();
    await readyOf(first);
    await writeElsewhere(newId());
    await eventually("the first consumes", async () => (await seenBy(first.pid)) > 0, 60_000);
    const second = spawn();
    await readyOf(second);
    try {
      const keys = Array.from({ length: 30 }, () => newId());
      const ids: string[] = [];
      for (const key of keys.slice(0, 15)) ids.push(await writeElsewhere(key));
      await eventually("it is in the middle of it", async () => (await seen(ids)) > 0, 60_000);
      first.kill("SIGKILL");
      for (const key of keys.slice(15)) ids.push(await writeElsewhere(key));
      await eventually("the other has seen everything", async () => (await seen(ids)) === ids.length, 60_000);

      expect(await seenBy(second.pid)).toBeGreaterThan(0);
    } finally {
      second.kill("SIGKILL");
      await Promise.all([first.exited, second.exited]);
      await openAll();
    }
  }, 150_000);

  const seen = async (ids: readonly string[]) => {
    const [row] = await database.sql<
      { n: string }[]
    >`select count(distinct message_id) as n from seen where message_id = any (${database.sql.array([...ids])}::text[])`;
    return Number(row?.n);
  };
  const seenBy = async (pid: number) => {
    const [row] = await database.sql<{ n: string }[]>`select count(*) as n from seen where pid = ${pid}`;
    return Number(row?.n);
  };
});

async function readyOf(child: { readonly stdout: ReadableStream<Uint8Array> }): Promise<void> {
  for await (const chunk of child.stdout) if (new TextDecoder().decode(chunk).includes("ready")) return;
  throw new Error("the consumer process ended before it was ready");
}
