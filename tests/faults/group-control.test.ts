import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

test("a rewind that waits for a slow handler holds up no other group's rewind", async () => {
  let go: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  behave("call", "*", async () => void (await held));
  const { sagaId } = await client.start("outside", { note: "slow" });
  await eventually("the call is out", async () => calls.some((call) => call.sagaId === sagaId));
  const slow = client.call("POST", "/v1/consumer-groups/lab/rewind", {
    topic: "lab.call",
    partition: 0,
    offset: 0,
    reason: "test",
  });
  await Bun.sleep(300);
  const other = client.call("POST", "/v1/consumer-groups/dispatcher/rewind", {
    topic: "timeline",
    partition: 0,
    offset: 0,
    reason: "test",
  });
  const first = await Promise.race([other.then(({ status }) => status), Bun.sleep(3_000).then(() => "held up")]);
  go();
  await Promise.all([slow, other]);
  expect(first).toBe(200);
}, 60_000);

test("a group that has a topic which another program handles can be rewound to a time", async () => {
  const { status, json } = await client.call("POST", "/v1/consumer-groups/lab/rewind", {
    timestamp: "2020-01-01T00:00:00Z",
    reason: "test",
  });
  expect({ status, json: status === 200 ? null : json }).toEqual({ status: 200, json: null });
}, 60_000);

test("the same Idempotency-Key gets the same answer of a pause and of a resume, whatever came in between", async () => {
  const ask = async (verb: "pause" | "resume", key: string, reason = "test") => {
    const response = await fetch(`${lab.url}/v1/consumer-groups/lab/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ reason }),
    });
    const replayed = response.headers.get("idempotent-replayed");
    return { status: response.status, replayed, answer: (await response.json()) as { paused: boolean; code?: string } };
  };
  const paused = await ask("pause", "pp1");
  const resumed = await ask("resume", "pp2");
  expect([paused, resumed].map(({ status, replayed, answer }) => [status, replayed, answer.paused])).toEqual([
    [200, null, true],
    [200, null, false],
  ]);

  expect(await ask("pause", "pp1")).toEqual({ ...paused, replayed: "true" });
  expect(await client.ok("GET", "/v1/consumer-groups/lab")).toMatchObject({ paused: false });
  expect(await ask("resume", "pp2")).toEqual({ ...resumed, replayed: "true" });
  expect((await ask("pause", "pp1", "another")).answer.code).toBe("saga.idempotency-mismatch");

  // The process that was asked first ended before it had its answer.
  await lab.sql`update timeline.start_key set response = '{"paused": true}' where idempotency_key = 'pp1'`;
  expect(await ask("pause", "pp1")).toMatchObject({
    status: 200,
    replayed: "true",
    answer: { group: "lab", paused: true, pausedReason: "test" },
  });
  const acted = await lab.sql`
    select action from timeline.audit where target = 'lab' and action in ('group.pause', 'group.resume') order by id
  `;
  expect(acted.map(({ action }) => action)).toEqual(["group.pause", "group.resume"]);
}, 60_000);

test("a rewind beyond what the group has consumed is refused, and done when it says that it skips", async () => {
  // What the tests before have rewound would count into the lag.
  await eventually("the group has caught up", async () => {
    const { lag } = (await client.ok("GET", "/v1/consumer-groups/lab")) as { lag: number };
    return lag === 0;
  });
  await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "test" });
  await client.start("outside", { note: "passed over" });
  const { partition, topic, end, committed } = await eventually("the command waits", async () => {
    const { partitions } = (await client.ok("GET", "/v1/consumer-groups/lab")) as {
      partitions: { topic: string; partition: number; end: number; committed: number; lag: number }[];
    };
    return partitions.find((at) => at.topic === "lab.call" && at.lag === 1);
  });
  const to = { topic, partition, offset: end, reason: "test" };
  for (const preview of ["?preview=true", ""]) {
    const answer = await client.call("POST", `/v1/consumer-groups/lab/rewind${preview}`, to);
    expect(answer).toMatchObject({ status: 409, json: { code: "group.rewind-forward" } });
  }
  const { json } = await client.call("POST", "/v1/consumer-groups/lab/rewind", { ...to, skip: true });
  expect(json["parts"]).toMatchObject([{ from: committed, to: end, run: 0, done: 0, waiting: 0 }]);
}, 60_000);
