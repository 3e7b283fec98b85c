import { expect, test } from "bun:test";

import { divide } from "../../engine/transport/kafka/assigner.ts";
import { connectorConfig, withoutSecrets } from "../../engine/transport/kafka/connector.ts";
import { connectorHealth, slotHealth } from "../../engine/transport/kafka/connector-health.ts";
import { toDelivery } from "../../engine/transport/kafka/delivery.ts";
import { searchAge } from "../../engine/transport/kafka/group-standing.ts";
import { KafkaTransportError } from "../../engine/transport/kafka/kafka-error.ts";
import { LostMembership } from "../../engine/transport/kafka/lost-membership.ts";
import { Names } from "../../engine/transport/kafka/names.ts";
import { patience, Rebuilding } from "../../engine/transport/kafka/rebuilding.ts";

test("partitions go evenly to the members that read their topic, and to no other", () => {
  const wishes = [
    { memberId: "b-old", topics: ["timeline"] },
    { memberId: "a-new", topics: ["timeline", "screening.examine"] },
  ];
  const sizes = [
    { topic: "screening.examine", partitions: 2 },
    { topic: "timeline", partitions: 4 },
    { topic: "nobody.wants", partitions: 3 },
  ];

  expect(Object.fromEntries(divide(wishes, sizes))).toEqual({
    "a-new": { "screening.examine": [0, 1], timeline: [2] },
    "b-old": { timeline: [0, 1, 3] },
  });
});

test("an age is found to the second, a great one to a sixteenth, in few questions", async () => {
  for (const age of [0, 400, 2_500, 90_000, 6 * 3_600_000, 40 * 86_400_000]) {
    let asked = 0;
    const found = await searchAge(async (ageMs) => {
      asked += 1;
      return age <= ageMs;
    }, Date.now());

    expect([age, found >= age, found <= age + Math.max(1_000, age / 16), asked <= 24]).toEqual([age, true, true, true]);
  }
});

test("names carry the prefix, and the slot's is one that PostgreSQL takes", () => {
  const names = new Names("Staging-2.");
  const { slot, connector, pipeline, heartbeatTopic } = names;
  expect({
    slot,
    connector,
    pipeline,
    heartbeatTopic,
    topic: names.topic("timeline"),
    group: names.group("g"),
  }).toEqual({
    slot: "staging_2_ekiden_outbox",
    connector: "Staging-2.ekiden-outbox",
    pipeline: "Staging-2.ekiden",
    heartbeatTopic: "Staging-2.__hb.Staging-2.ekiden",
    topic: "Staging-2.timeline",
    group: "Staging-2.g",
  });
  expect(names.bare("Staging-2.timeline")).toBe("timeline");
  for (const prefix of ["a b", "a$1", "x".repeat(49)]) expect(() => new Names(prefix)).toThrow(KafkaTransportError);
});

test("the connector's configuration takes the database apart, and its printed form keeps the password to itself", () => {
  const options = {
    prefix: "p-",
    slot: "p_ekiden_outbox",
    publication: "ekiden_outbox",
    connectorName: "p-ekiden-outbox",
  };
  const databaseUrl = "postgresql://us%40er:p%2Fw@[::1]:6543/my%20db?sslmode=require";
  const config = connectorConfig({ ...options, databaseUrl });
  expect(config).toMatchObject({
    "database.hostname": "::1",
    "database.port": "6543",
    "database.user": "us@er",
    "database.password": "p/w",
    "database.dbname": "my db",
    "database.sslmode": "require",
    "slot.name": "p_ekiden_outbox",
    "transforms.outbox.route.topic.replacement": "p-${routedByValue}",
    "snapshot.mode": "no_data",
  });
  expect(JSON.stringify(withoutSecrets(config))).not.toContain("p/w");
  for (const wrong of ["", "http://x/y", "postgres://host"]) {
    expect(() => connectorConfig({ ...options, databaseUrl: wrong })).toThrow(KafkaTransportError);
  }
});

test("a record becomes a delivery: null headers stay null, and of a repeated one the last counts", () => {
  const headers = { id: Buffer.from("01"), twice: [Buffer.from("1"), Buffer.from("2")], gone: undefined };
  const record = { key: null, value: Buffer.from("{}"), timestamp: "1000", offset: "7", headers, attributes: 0 };
  const receivedAt = new Date(5);
  expect(toDelivery("timeline", 2, record, receivedAt)).toEqual({
    topic: "timeline",
    partition: 2,
    offset: 7,
    recordedAt: new Date(1000),
    receivedAt,
    key: null,
    headers: { id: "01", twice: "2", gone: null },
    value: "{}",
  });
});

test("a slot that stands still is unwell even while the connector says that it runs", () => {
  const status = { connector: { state: "RUNNING" }, tasks: [{ id: 0, state: "RUNNING" }] } as const;
  expect(connectorHealth({ status, memory: undefined, trouble: undefined }).ok).toBe(true);
  const slot = {
    active: true,
    walStatus: "reserved",
    keptBytes: 9,
    restartBytes: 9,
    safeBytes: null,
    maxKeepBytes: null,
    confirmed: "0/1",
    heartbeatAgeSeconds: 40,
  };
  const seen = { name: "s", slot, seen: true, trouble: undefined };
  expect(slotHealth({ ...seen, silentMs: 1_000, managed: true }).ok).toBe(true);
  expect(slotHealth({ ...seen, silentMs: 31_000, managed: true }).detail).toContain("has not moved for 31 s");
  expect(slotHealth({ ...seen, silentMs: 1_000, managed: false }).ok).toBe(false);
  expect(slotHealth({ ...seen, slot: { ...slot, walStatus: "lost" }, silentMs: 0, managed: true }).ok).toBe(false);
  const short = { ...slot, safeBytes: 19, maxKeepBytes: 100 };
  expect(slotHealth({ ...seen, slot: short, silentMs: 0, managed: true }).ok).toBe(false);
  const gone = { ...seen, slot: undefined, silentMs: 0, managed: true };
  expect(slotHealth({ ...gone, seen: false }).detail).toBe("replication slot s does not exist");
  expect(slotHealth(gone).detail).toBe("replication slot s was dropped");
});

test("a connector that fails again and again is unwell until it has run for longer than it last waited", () => {
  const status = { connector: { state: "RUNNING" }, tasks: [{ id: 0, state: "RUNNING" }] } as const;
  const health = (failures: number, failedAgoMs: number) =>
    connectorHealth({ status, memory: { restarts: 7, failures, failedAgoMs, cause: "too large" }, trouble: undefined });

  expect([health(2, 10), health(3, 7_000), health(3, 9_000)].map(({ ok }) => ok)).toEqual([true, false, true]);
  expect(health(4, 10).detail).toBe(
    "connector RUNNING, task RUNNING, restarted 7 times, last failure: too large (4 failures in a row)",
  );
});

test("a client that cannot be built again in time is given up, once", async () => {
  const given = Promise.withResolvers<Error>();
  let builds = 0;
  const rebuilding: Rebuilding = new Rebuilding(
    { ...patience, rebuildMs: 300 },
    {
      build: async () => {
        builds += 1;
        rebuilding.failed(new Error("still away"));
      },
      giveUp: given.resolve,
    },
  );
  rebuilding.failed(new Error("away"));
  expect([rebuilding.active, rebuilding.reason]).toEqual([true, "away"]);
  expect((await given.promise).message).toBe("still away");
  expect(builds).toBeGreaterThan(0);
});

test("a member that its group has put out is lost when it has not joined again in time, and others are not", () => {
  let now = 0;
  const membership = new LostMembership(() => now);
  const putOut = Object.assign(new Error("The coordinator is not aware of this member"), { type: "UNKNOWN_MEMBER_ID" });
  const refusedAt = (ms: number, error: unknown = putOut) => {
    now = ms;
    return membership.refused(error);
  };

  expect([0, 1_000, 20_000].map((ms) => refusedAt(ms))).toEqual([false, false, false]);
  expect(refusedAt(20_001, new Error("Closed connection"))).toBe(false);
  expect(refusedAt(20_001)).toBe(true);
  membership.held();
  expect([21_000, 41_000, 41_001].map((ms) => refusedAt(ms))).toEqual([false, false, true]);
  expect(refusedAt(99_000, null)).toBe(false);
});
