import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

/** Most requests to sagas that are passed over at once. */
const AT_ONCE = 1_000;

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);

afterAll(async () => lab?.close(), 60_000);

const group = (name: string, verb: "pause" | "resume") =>
  client.ok("POST", `/v1/consumer-groups/${name}/${verb}`, { reason: "test" });

interface Place {
  readonly end: number;
  readonly lag: number;
}

/** What the dispatcher has before it, once it is `many` messages. */
const waiting = (many: number) =>
  eventually("they lie before the dispatcher", async () => {
    const { partitions } = (await client.ok("GET", "/v1/consumer-groups/dispatcher")) as { partitions: Place[] };
    return partitions.find(({ lag }) => lag >= many);
  });

const skipTo = ({ end: offset }: Place) =>
  client.call("POST", "/v1/consumer-groups/dispatcher/rewind", {
    topic: "timeline",
    partition: 0,
    offset,
    skip: true,
    reason: "a flood that nobody wants",
  }) as Promise<{ status: number; json: { code?: string; detail?: string } }>;

test.each([
  ["cancel", "cancelled"],
  ["terminate", "terminated"],
] as const)(
  "a saga whose start was passed over is ended by %s, and its key is free again",
  async (verb, status) => {
    await group("dispatcher", "pause");
    const { sagaId } = await client.start("three", { note: verb });
    expect((await skipTo(await waiting(1))).status).toBe(200);
    await group("dispatcher", "resume");

    const answer = await client.ok("POST", `/v1/sagas/${sagaId}/${verb}`, { reason: "it never began" });
    expect(answer).toMatchObject({ applied: true, status });
    const again = await client.start("three", { note: verb });
    expect(again.sagaId).not.toBe(sagaId);
    expect((await client.settled(again.sagaId)).status).toBe("completed");
    await expectVerified(lab.url);
  },
  60_000,
);

test("the timers of a saga go on when a request to it was passed over", async () => {
  await group("lab", "pause");
  const { sagaId } = await client.start("waiting", { note: "signalled", patience: "short" });
  await eventually("nothing waits", async () => {
    const { partitions } = (await client.ok("GET", "/v1/consumer-groups/dispatcher")) as { partitions: Place[] };
    return partitions.every(({ lag }) => lag === 0);
  });
  await group("dispatcher", "pause");
  await client.ok("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true });
  expect((await skipTo(await waiting(1))).status).toBe(200);
  await group("dispatcher", "resume");
  await group("lab", "resume");

  const ended = await client.settled(sagaId);
  expect([ended.status, ended.error?.code]).toEqual(["failed", "too_late"]);
  await expectVerified(lab.url);
}, 60_000);

test("more requests than can be locked at once are passed over in parts, and nothing is changed by what is refused", async () => {
  await group("dispatcher", "pause");
  const notes = Array.from({ length: AT_ONCE + 1 }, (_, n) => `many-${n}`);
  await Promise.all(notes.map((note) => client.start("three", { note })));
  const place = await waiting(notes.length);

  const refused = await skipTo(place);
  expect(refused).toMatchObject({ status: 503, json: { code: "group.rewind-failed" } });
  expect(refused.json.detail).toContain(`more than ${AT_ONCE}`);
  const [noted] = await lab.sql`
    select count(*)::integer as n from timeline.event_consumption c join timeline.saga s on s.id = c.correlation_id
    where c.error_code = 'message.skipped' and s.key like 'many-%'
  `;
  expect(noted).toEqual({ n: 0 });

  expect((await skipTo({ ...place, end: place.end - 1 })).status).toBe(200);
  await group("dispatcher", "resume");
  const left = await eventually("the last one begins", async () => {
    const [row] = await lab.sql`
      select count(*)::integer as n, sum(unapplied)::integer as unapplied from timeline.saga
      where key like 'many-%' and sequence = 0
    `;
    return row?.["n"] === AT_ONCE ? row : undefined;
  });
  expect(left).toEqual({ n: AT_ONCE, unapplied: 0 });
}, 120_000);
