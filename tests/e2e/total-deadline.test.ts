import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

let engine: TestEngine;
const client = new Client(() => engine.url);

beforeAll(async () => {
  engine = await testEngine("embedded", { domains: join(import.meta.dir, "../support/rough") });
}, 120_000);
afterAll(async () => engine?.close(), 60_000);

const pause = () => client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
const resume = () => client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });

/** Milliseconds from a saga's start until its total deadline is due; undefined: the timer is not set. */
async function lifeOf(sagaId: string): Promise<number | undefined> {
  const [row] = await engine.sql<{ ms: number }[]>`
    select (extract(epoch from t.due_at - s.started_at) * 1000)::float8 as ms
    from timeline.timer t join timeline.saga s on s.id = t.saga_id where t.saga_id = ${sagaId} and t.name = 'deadline:'
  `;
  return row?.ms;
}

/** Milliseconds from a saga's start to when the timer was due that has fired. */
async function firedAfter(sagaId: string): Promise<number | undefined> {
  const [row] = await engine.sql<{ ms: number }[]>`
    select (extract(epoch from (r.message_body ->> 'dueAt')::timestamptz - s.started_at) * 1000)::float8 as ms
    from timeline.event_request r join timeline.saga s on s.id = r.correlation_id
    where s.id = ${sagaId} and r.message_type = 'timer.fired'
  `;
  return row?.ms;
}

test("the total deadline counts from the call that starts the saga, however late its first transition is", async () => {
  await pause();
  const hurried = await client.start("hurried", { note: "late" });
  const patient = await client.start("patient", { note: "late" });
  await eventually("the deadline of one of them has passed", async () => {
    const [row] = await engine.sql<{ over: boolean }[]>`
      select clock_timestamp() > started_at + interval '1.2 seconds' as over from timeline.saga where id = ${hurried.sagaId}
    `;
    return row?.over === true;
  });
  await resume();

  expect(await eventually("the other's timer is set", () => lifeOf(patient.sagaId))).toBe(3_600_000);
  const { status, error } = await client.settled(hurried.sagaId);
  expect({ status, code: error?.code }).toEqual({ status: "failed", code: "deadline" });
  expect(await firedAfter(hurried.sagaId)).toBe(1_000);
  await expectVerified(engine.url);
}, 60_000);

test("a child's total deadline counts from its own birth, not from its parent's start", async () => {
  const { sagaId } = await client.start("patient", { note: "with a child" });
  expect((await client.settled(sagaId)).error?.code).toBe("deadline");
  const [child] = await engine.sql<{ id: string }[]>`select id from timeline.saga where parent_id = ${sagaId}`;
  expect(await firedAfter(child?.id ?? "none")).toBe(1_000);
}, 60_000);
