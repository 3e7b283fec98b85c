import { afterAll, beforeAll, expect, test } from "bun:test";
import { type CloudEventV1, Kafka as CloudEvents } from "cloudevents";
import { ConfigResourceTypes } from "kafkajs";

import type { Consumer, PartitionOffsets, Transport } from "../../engine/transport/port.ts";
import { Collector, KafkaBench, until, writeRequest } from "../support/kafka.ts";

const topics = ["timeline", "application.register", "screening.examine", "contract.conclude"] as const;
const timeoutMs = 120_000;

let bench: KafkaBench;
let transport: Transport;

beforeAll(async () => {
  bench = await KafkaBench.start();
  transport = await bench.transport();
  await transport.ensureTopics(topics);
}, timeoutMs);

afterAll(() => bench.stop(), timeoutMs);

/** Subscribes, and stops when the test ends. */
async function subscribed(
  collector: Collector,
  act: (consumer: Consumer) => Promise<void>,
  at = transport,
): Promise<void> {
  const consumer = await at.subscribe(collector);
  try {
    await act(consumer);
  } finally {
    collector.verdict = () => "done";
    await consumer.stop();
  }
}

function lag(offsets: readonly PartitionOffsets[]): number {
  return offsets.reduce((sum, { committed, earliest, end }) => sum + end - (committed ?? earliest), 0);
}

async function partOf(part: string) {
  return (await transport.health()).find((one) => one.part === part);
}

test(
  "rows of concurrent writers arrive, each key's in commit order, and the lag returns to nothing",
  async () => {
    const keys = ["k0", "k1", "k2", "k3", "k4"];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let turn = 0; turn < 25; turn += 1) {
        const key = keys[(writer + turn) % keys.length] ?? "";
        await bench.sql.begin(async (tx) => {
          // The lock comes first: its order is the commit order of the key (reliability R6).
          await tx`select timeline.lock_saga(${key})`;
          const [row] = await tx<{ place: number }[]>`
            select count(*)::integer as place from timeline.event_request where message_key = ${key}
          `;
          await writeRequest(tx, { key, topic: "contract.conclude", body: { place: row?.place ?? -1 } });
        });
      }
    });
    await Promise.all(writers);
    const collector = new Collector("contract", ["contract.conclude"]);
    await subscribed(collector, async () => {
      await collector.has(200);
      await until("no lag", async () => lag(await transport.offsets("contract", ["contract.conclude"])) === 0);
    });

    for (const key of keys) {
      const places = collector.done.filter((one) => one.key === key).map((one) => JSON.parse(one.value ?? "").place);
      expect([...new Set(places)]).toEqual(Array.from({ length: 40 }, (_, place) => place));
    }
  },
  timeoutMs,
);

test(
  "header names and values are the columns', nulls stay null, and the body is the row's JSON",
  async () => {
    const columns = {
      causation_id: "01J00000000000000000000000",
      saga: "onboarding",
      step_key: "01J00000000000000000000000/apply",
      action: "application.register",
      attempt: 2,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    const body = { name: "Zoë 駅伝", amount: 0.1, list: [1, "a", null, { deep: true }], none: null };
    const topic = "application.register";
    const full = await writeRequest(bench.sql, { key: "S1", topic, type: "step.requested", body, columns });
    const bare = await writeRequest(bench.sql, { key: "S1", topic, type: "step.requested" });
    const collector = new Collector("application", [topic]);
    await subscribed(collector, () => collector.has(2));

    const rows = await bench.sql<{ id: string; at: string }[]>`
      select message_id as id, timeline.iso(requested_at) as at from timeline.event_request
      where message_id in (${full}, ${bare})
    `;
    const common = { type: "step.requested", correlation_id: "S1", producer: "test@localhost", headers: null };
    const events = (id: string) => ({
      id,
      ce_id: id,
      ce_type: "step.requested",
      ce_source: "test@localhost",
      ce_subject: "S1",
      ce_time: rows.find((row) => row.id === id)?.at ?? "",
      ce_specversion: "1.0",
      "content-type": "application/json",
    });
    const nulls = Object.fromEntries(Object.keys(columns).map((name) => [name, null]));
    const [first, second] = collector.done;
    expect(first).toMatchObject({ topic, key: "S1", offset: expect.any(Number), partition: expect.any(Number) });
    expect(first?.headers).toEqual({ ...common, ...columns, attempt: "2", ...events(full) });
    expect(second?.headers).toEqual({ ...common, ...nulls, ...events(bare) });
    expect(JSON.parse(first?.value ?? "")).toEqual(body);
    expect(first?.recordedAt.getTime()).toBeGreaterThan(Date.now() - 600_000);
  },
  timeoutMs,
);

test(
  "a stock CloudEvents library reads each message as an event",
  async () => {
    const collector = new Collector("application.reader", ["application.register"]);
    await writeRequest(bench.sql, {
      key: "S2",
      topic: "application.register",
      body: { a: 1 },
      headers: { tenant: "t1" },
    });
    await subscribed(collector, () => until("the event", () => collector.done.some((one) => one.key === "S2")));
    const message = collector.done.find((one) => one.key === "S2");
    const present = Object.entries(message?.headers ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    );
    const headers: Record<string, string> = Object.fromEntries(present);
    expect(JSON.parse(headers.headers ?? "")).toEqual({ tenant: "t1" });

    const binary = { headers, key: message?.key ?? "", value: message?.value, body: message?.value, timestamp: "0" };
    const event = CloudEvents.toEvent(binary) as CloudEventV1<unknown>;
    expect(event).toMatchObject({
      specversion: "1.0",
      id: message?.headers.id,
      type: "saga.started",
      source: "test@localhost",
      subject: "S2",
      datacontenttype: "application/json",
      data: { a: 1 },
    });
  },
  timeoutMs,
);

test(
  "a poison message holds back its own key and its partition's committed offset, and nobody else",
  async () => {
    const collector = new Collector("screening", ["screening.examine"]);
    collector.verdict = (delivery) => (delivery.key === "poison" ? "again" : "done");
    await subscribed(collector, async () => {
      for (let turn = 0; turn < 30; turn += 1) {
        for (const key of ["poison", "a", "b", "c", "d"]) {
          await writeRequest(bench.sql, { key, topic: "screening.examine", body: { turn } });
        }
      }
      await collector.has(120);
      await until("the poison message comes again", () => {
        const poisoned = collector.came.filter((one) => one.key === "poison" && JSON.parse(one.value ?? "").turn === 0);
        return poisoned.length >= 3;
      });
      const first = collector.came.find((one) => one.key === "poison");
      await until("the other partitions have no lag", async () => {
        const offsets = await transport.offsets("screening", ["screening.examine"]);
        return lag(offsets.filter((one) => one.partition !== first?.partition)) === 0;
      });
      const offsets = await transport.offsets("screening", ["screening.examine"]);
      const held = offsets.find((one) => one.partition === first?.partition);
      expect(held?.committed ?? held?.earliest).toBe(first?.offset ?? -1);

      collector.verdict = () => "done";
      await collector.has(150);
      const turns = collector.done.filter((one) => one.key === "poison").map((one) => JSON.parse(one.value ?? "").turn);
      expect(turns).toEqual(Array.from({ length: 30 }, (_, turn) => turn));
    });
  },
  timeoutMs,
);

test(
  "a rewind moves the committed offset and delivers again from there; out of range is refused",
  async () => {
    const topic = "screening.examine";
    const collector = new Collector("screening.mirror", [topic]);
    await subscribed(collector, async (consumer) => {
      await collector.has(150);
      await until("no lag", async () => lag(await transport.offsets(collector.group, [topic])) === 0);
      const { partition = 0, offset = 0 } = collector.done.find((one) => one.key === "a") ?? {};
      expect(consumer.owns(topic, partition)).toBe(true);
      const end =
        (await transport.offsets(collector.group, [topic])).find((one) => one.partition === partition)?.end ?? 0;
      await expect(consumer.rewind(topic, partition, end + 1)).rejects.toMatchObject({
        code: "kafka.offset-out-of-range",
      });

      await consumer.pause();
      expect(consumer.status().state).toBe("paused");
      const before = collector.came.length;
      await consumer.rewind(topic, partition, offset);
      const moved = (await transport.offsets(collector.group, [topic])).find((one) => one.partition === partition);
      expect([moved?.committed, collector.came.length]).toEqual([offset, before]);

      await consumer.resume();
      await until("no lag", async () => lag(await transport.offsets(collector.group, [topic])) === 0);
      const again = collector.came
        .slice(before)
        .map((one) => one.offset)
        .sort((left, right) => left - right);
      const expected = collector.came
        .slice(0, before)
        .filter((one) => one.partition === partition && one.offset >= offset);
      expect(again).toEqual(expected.map((one) => one.offset).sort((left, right) => left - right));

      await consumer.rewind(topic, partition, offset);
      await until("a rewind while running", () => collector.came.length >= before + 2 * expected.length);
    });
  },
  timeoutMs,
);

test(
  "an idle group is moved without a member, one that runs is not",
  async () => {
    const topic = "screening.examine";
    const collector = new Collector("screening.mirror", [topic]);
    const place = (await transport.offsets(collector.group, [topic])).find((one) => one.end > 0);
    const partition = place?.partition ?? 0;
    await transport.moveIdle(collector.group, topic, partition, 0);
    const moved = await transport.offsets(collector.group, [topic]);
    expect(moved.map((one) => one.committed)).toEqual(
      moved.map((one) => (one.partition === partition ? 0 : one.committed === null ? null : one.end)),
    );
    const past = transport.moveIdle(collector.group, topic, partition, (place?.end ?? 0) + 1);
    await expect(past).rejects.toMatchObject({ code: "kafka.offset-out-of-range" });
    await subscribed(collector, async () => {
      const move = transport.moveIdle(collector.group, topic, partition, 0);
      await expect(move).rejects.toMatchObject({ code: "kafka.group-has-members" });
      await until("read from the start", () => collector.done.some((one) => one.partition === partition));
    });
    const [first] = collector.done.filter((one) => one.partition === partition);
    const at = await transport.offsetsAt(topic, first?.recordedAt ?? new Date(0));
    expect(at.find((one) => one.partition === partition)?.offset).toBe(0);
    const later = await transport.offsetsAt(topic, new Date(Date.now() + 3_600_000));
    expect(later.find((one) => one.partition === partition)?.offset).toBe(place?.end ?? -1);
  },
  timeoutMs,
);

test(
  "two members share the partitions, and one takes over when the other stops",
  async () => {
    const other = await bench.transport({ clientId: "ekiden-other" });
    const first = new Collector();
    const second = new Collector();
    const ids: string[] = [];
    const write = async (count: number) => {
      for (let turn = 0; turn < count; turn += 1) ids.push(await writeRequest(bench.sql, { key: `m${turn % 12}` }));
    };
    const seen = () => new Set([...first.ids, ...second.ids]).size;
    await subscribed(first, async (stays) => {
      const owned = () => stays.status().partitions.length;
      expect(owned()).toBe(3);
      await subscribed(
        second,
        async (leaves) => {
          await until("both own some", () => leaves.status().partitions.length > 0 && owned() > 0);
          expect(owned() + leaves.status().partitions.length).toBe(3);
          await write(60);
          await until("all came", () => seen() === ids.length);
          expect([first.ids.size, second.ids.size].every((size) => size > 0)).toBe(true);
        },
        other,
      );
      await write(24);
      await until("the other took over", () => owned() === 3 && seen() === ids.length);
    });
    await other.stop();
    expect(new Set([...first.ids, ...second.ids])).toEqual(new Set(ids));
  },
  timeoutMs,
);

test(
  "a pause stops the deliveries, what was queued comes again after it, and nothing is lost",
  async () => {
    const collector = new Collector("application.standing");
    const other = new Set<string>();
    await subscribed(collector, async (consumer) => {
      await until(
        "the earlier messages",
        async () => lag(await transport.offsets(collector.group, ["timeline"])) === 0,
      );
      const gate = Promise.withResolvers<void>();
      collector.verdict = async () => {
        await gate.promise;
        return "done" as const;
      };
      for (let turn = 0; turn < 20; turn += 1) other.add(await writeRequest(bench.sql, { key: `p${turn % 3}` }));
      await until("some are in progress", () => consumer.status().inHand > 0);
      const paused = consumer.pause();
      gate.resolve();
      await paused;
      const handled = collector.came.length;
      other.add(await writeRequest(bench.sql, { key: "p0" }));
      await until("the lag shows", async () => lag(await transport.offsets(collector.group, ["timeline"])) > 0);
      expect([collector.came.length, consumer.status().inHand]).toEqual([handled, 0]);

      await consumer.resume();
      await until("all came", () => [...other].every((id) => collector.ids.has(id)));
      expect(consumer.status()).toMatchObject({ group: "application.standing", state: "running" });
    });
  },
  timeoutMs,
);

test(
  "a failed connector task is restarted and shown, and the rows behind it arrive",
  async () => {
    const topic = "contract.oversize";
    const admin = bench.kafka().admin();
    await admin.connect();
    const resource = { type: ConfigResourceTypes.TOPIC, name: bench.names.topic(topic) };
    const limit = (bytes: number) => [{ name: "max.message.bytes", value: String(bytes) }];
    await admin.createTopics({ topics: [{ topic: resource.name, numPartitions: 3, configEntries: limit(1_000) }] });
    await transport.ensureTopics([topic]);
    await writeRequest(bench.sql, { key: "large", topic, body: { text: "x".repeat(10_000) } });
    const id = await writeRequest(bench.sql, { key: "behind" });
    await until("the task fails", async () => (await partOf("connector"))?.ok === false);
    expect((await partOf("connector"))?.hint).toContain("restarted by itself");
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: limit(1_000_000) }] });
    await admin.disconnect();

    const collector = new Collector("ledger");
    await subscribed(collector, () => until("the row behind", () => collector.ids.has(id)));
    // Status and memory are read one after the other: the first look that is well may not know of the restart yet.
    await until("it runs again, and says why it was restarted", async () => {
      const { ok, detail } = (await partOf("connector")) ?? { ok: false, detail: "" };
      return ok && /restarted \d+ times, last failure: .*larger/s.test(detail);
    });
  },
  timeoutMs,
);

test(
  "topics with another number of partitions keep it, and health says so",
  async () => {
    const other = await bench.transport({ partitions: 5 });
    await other.ensureTopics(["timeline", "notification.mail"]);
    const warning = (await other.health()).find((one) => one.part === "topics");
    expect(warning).toMatchObject({ ok: true, detail: expect.stringContaining("timeline has 3 partitions") });
    expect(await other.offsets("notification", ["notification.mail"])).toHaveLength(5);
    expect(bench.fatal).toEqual([]);
  },
  timeoutMs,
);
