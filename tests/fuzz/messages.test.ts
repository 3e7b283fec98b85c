import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { COURSE, CourseClients, faultsOfCourse } from "../support/course-run.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { fuzzKafka, fuzzOutbox, missingSagas, type Sent, unaccounted } from "./messages.ts";

describe.each([...TRANSPORTS])("garbage on every topic of the %s transport", (kind) => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await testEngine(kind, { domains: COURSE });
    const clients = new CourseClients(() => engine.url);
    clients.begin("before", 6);
    await clients.answered();
    await eventually("the first sagas end", async () => (await faultsOfCourse(engine.sql)).length === 0, 60_000);
  }, 180_000);
  afterAll(async () => engine?.close(), 60_000);

  test("is consumed and noted, and no saga minds it", async () => {
    const errors = await (kind === "kafka" ? fuzzKafka(engine, 1, 200) : fuzzOutbox(engine, 1, 150));

    expect(errors).toBeGreaterThan(50);
  }, 240_000);

  test("a saga that is not there and a record that left no trace are found", async () => {
    const [row] = await engine.sql<(Sent & { saga: string })[]>`
      select c.topic, c.partition, c."offset", c.message_id as id, r.correlation_id as saga
      from timeline.event_consumption c join timeline.event_request r using (message_id)
      where c.consumer_group = 'course' and r.producer like 'dispatcher@%' limit 1
    `;
    const { saga, ...done } = row as Sent & { saga: string };
    const again = { ...done, offset: 1_000_000 };
    const lost = { ...again, id: null };

    expect(await unaccounted(engine, [done, again, lost])).toEqual([lost]);
    expect(await missingSagas(engine, [saga, "01M8B3ZK3J2Y2EA2J7VF1BGPBK"])).toEqual(["01M8B3ZK3J2Y2EA2J7VF1BGPBK"]);
  });
});
