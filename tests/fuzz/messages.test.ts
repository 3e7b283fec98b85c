import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { COURSE, CourseClients, faultsOfCourse } from "../support/course-run.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { fuzzKafka, fuzzOutbox } from "./messages.ts";

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
});
