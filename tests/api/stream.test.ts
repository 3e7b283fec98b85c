import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";

import { newId } from "../../engine/timeline/ids.ts";
import { eventually } from "../support/engine.ts";
import { follow, type StreamClient } from "../support/stream-client.ts";
import { insertMessage, insertSaga } from "./saga-rows.ts";
import { isOf, type Served, StreamBench, transition } from "./stream-bench.ts";

let bench: StreamBench;
const serve = (served?: Served) => bench.serve(served);
const open = (url: string, path?: string, after?: string) => bench.follow(url, path, after);

beforeAll(async () => {
  bench = await StreamBench.open();
}, 60_000);
afterEach(() => bench.clear());
afterAll(() => bench?.end());

test("a stream tells of every message that is recorded and of every transition, in order, by message", async () => {
  const { sql } = bench;
  const { url } = serve();
  const sagaId = await insertSaga(sql, { definition: "loan" });
  const client = await open(url);
  const asked = await insertMessage(sql, { sagaId, type: "step.succeeded", step: "screen" });
  await sql.begin(async (tx) => {
    const caused = newId();
    await tx`
      insert into timeline.event_request (message_id, correlation_id, causation_id, topic, message_key, message_type, saga, step_key, action,
        attempt, message_body, producer)
      values (${caused}, ${sagaId}, ${asked}, 'timeline', ${sagaId}, 'step.requested', 'loan', ${`${sagaId}/contract`}, 'contract.conclude', 1, '{}', 'test')
    `;
    await transition(tx, sagaId, asked, 2, "compensating");
  });
  await eventually("three events", async () => client.events.filter(isOf(sagaId)).length === 3);
  const common = { sagaId, definition: "loan", error: null, at: expect.any(String) };
  const succeeded = {
    ...common,
    messageId: asked,
    type: "step.succeeded",
    step: "screen",
    action: null,
    attempt: null,
  };
  expect(client.events.filter(isOf(sagaId))).toEqual([
    { ...succeeded, kind: "recorded", sequence: null, status: null },
    { ...succeeded, kind: "applied", sequence: 2, status: "compensating" },
    {
      ...common,
      kind: "recorded",
      messageId: expect.any(String),
      type: "step.requested",
      step: "contract",
      action: "contract.conclude",
      attempt: 1,
      sequence: null,
      status: null,
    },
  ] as never);
});

test("an edit is told before it is applied, and what it caused after that, though its cause is an older command", async () => {
  const { sql } = bench;
  const { url } = serve();
  const sagaId = await insertSaga(sql, { definition: "loan" });
  const client = await open(url);
  const command = await insertMessage(sql, { sagaId, type: "step.requested", step: "screen" });
  await sql.begin(async (tx) => {
    const edit = await insertMessage(tx as never, { sagaId, type: "edit.requested", cause: command });
    await insertMessage(tx as never, { sagaId, type: "step.requested", step: "screen", cause: edit });
    await transition(tx, sagaId, edit, 2, "running");
  });
  await eventually("four events", async () => client.events.filter(isOf(sagaId)).length === 4);
  expect(client.events.filter(isOf(sagaId)).map(({ kind, type }) => `${kind} ${type}`)).toEqual([
    "recorded step.requested",
    "recorded edit.requested",
    "applied edit.requested",
    "recorded step.requested",
  ]);
});

test("an event in a transaction that commits late is told late, and nothing waits for it", async () => {
  const { sql } = bench;
  const { url } = serve();
  const sagaId = await insertSaga(sql);
  const client = await open(url);
  const held = Promise.withResolvers<void>();
  const written = Promise.withResolvers<string>();
  const late = sql.begin(async (tx) => {
    written.resolve(await insertMessage(tx as never, { sagaId, type: "signal.received" }));
    await held.promise;
  });
  const first = await written.promise;
  const second = await insertMessage(sql, { sagaId, type: "cancel.requested" });
  const ids = () => client.events.filter(isOf(sagaId)).map((event) => event.messageId);
  await eventually("the event behind the open transaction", async () => ids().length === 1);
  const resumed = await open(url, "/v1/stream", client.position());
  held.resolve();
  await late;
  await eventually("the late event, by both", async () => ids().length === 2 && resumed.events.some(isOf(sagaId)));
  expect(ids()).toEqual([second, first]);
  expect(resumed.events.filter(isOf(sagaId)).map((event) => event.messageId)).toEqual([first]);
});

test("clients that break off and resume anywhere have each event once, whatever commits meanwhile in whichever order", async () => {
  const { sql } = bench;
  const { url } = serve({ limits: { pollMs: 5 } });
  const sagaId = await insertSaga(sql);
  const start = (await open(url)).position();
  const written: string[] = [];
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let round = 0; round < 40; round += 1) {
      await sql.begin(async (tx) => {
        written.push(await insertMessage(tx as never, { sagaId, type: "step.succeeded", step: `s${writer}` }));
        await Bun.sleep((writer * 7 + round * 3) % 23);
        written.push(await insertMessage(tx as never, { sagaId, type: "step.failed", step: `s${writer}` }));
      });
    }
  });
  let writing = true;
  const done = Promise.all(writers).then(() => {
    writing = false;
  });
  const seen: string[] = [];
  let after = start;
  while (writing || seen.length < written.length) {
    const part = await follow(url, `/v1/sagas/${sagaId}/events`, after);
    await eventually("something new", async () => part.events.length > 0);
    await part.leave();
    seen.push(...part.events.map((event) => event.messageId));
    after = part.position();
  }
  await done;
  expect(seen.length).toBe(320);
  expect(new Set(seen)).toEqual(new Set(written));
}, 60_000);

test("a page ends anywhere: a client resumes from each single event", async () => {
  const { sql } = bench;
  const { url } = serve();
  const sagaId = await insertSaga(sql);
  const start = (await open(url)).position();
  const open1 = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  // A transaction that is open when the window begins and when it ends: both snapshots name it.
  const held = sql.begin(async (tx) => {
    await insertMessage(tx as never, { sagaId, type: "timer.fired" });
    begun.resolve();
    await open1.promise;
  });
  await begun.promise;
  await sql.begin(async (tx) => {
    for (let n = 0; n < 5; n += 1) await insertMessage(tx as never, { sagaId, type: "step.succeeded" });
  });
  const whole = await open(url, `/v1/sagas/${sagaId}/events`, start);
  await eventually("five", async () => whole.events.length === 5);
  const all = whole.events.map((event) => event.messageId);
  const text = await (await fetchSome(url, sagaId, start, 5)).text;
  const positions = [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id as string).slice(1);
  open1.resolve();
  await held;
  for (const [at, position] of positions.entries()) {
    const rest = await open(url, `/v1/sagas/${sagaId}/events`, position);
    await eventually("the rest", async () => rest.events.length === 5 - at);
    expect(rest.events.map((event) => event.messageId).slice(0, 4 - at)).toEqual(all.slice(at + 1));
    expect(rest.events.at(-1)?.type).toBe("timer.fired");
  }
}, 30_000);

/** The text of a stream up to some events. */
async function fetchSome(url: string, sagaId: string, after: string | undefined, events: number) {
  const controller = new AbortController();
  const headers = { "last-event-id": after ?? "" };
  const response = await fetch(`${url}/v1/sagas/${sagaId}/events`, { headers, signal: controller.signal });
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk);
    if ([...text.matchAll(/^data: .*"kind"/gm)].length >= events) break;
  }
  controller.abort();
  return { text };
}

test.each([
  "1.1",
  "1.5_9",
  "1.5_4_3",
  "1.9223372036854775808",
  "1.5.6.1.x",
  "1.5.6.1",
  `1.5.6.99.${"0".repeat(200)}`,
  "x".repeat(9_000),
])("a position that is none is refused, or read as one that is lost: %.20s", async (text) => {
  const { url } = serve();
  const client = await open(url, "/v1/stream", text);
  expect([200, 400]).toContain(client.status);
});

test("filters: by definition, by the status after a transition, by type", async () => {
  const { sql } = bench;
  const { url } = serve();
  const loan = await insertSaga(sql, { definition: "loan" });
  const other = await insertSaga(sql, { definition: "other" });
  const [byDefinition, byStatus, byType] = await Promise.all(
    ["definition=loan", "status=parked,failed", "type=step.failed,saga.parked"].map((query) =>
      open(url, `/v1/stream?${query}`),
    ),
  );
  for (const sagaId of [loan, other]) {
    const failed = await insertMessage(sql, { sagaId, type: "step.failed" });
    await sql.begin((tx) => transition(tx, sagaId, failed, 2, "parked"));
    const retried = await insertMessage(sql, { sagaId, type: "retry.requested" });
    await sql.begin((tx) => transition(tx, sagaId, retried, 3, "running"));
  }
  const seen = (client: StreamClient | undefined) =>
    (client?.events ?? []).map((event) => [event.sagaId, event.type, event.status]);
  await eventually(
    "all",
    async () => seen(byDefinition).length === 4 && seen(byStatus).length === 2 && seen(byType).length === 4,
  );
  expect(seen(byDefinition)).toEqual([
    [loan, "step.failed", null],
    [loan, "step.failed", "parked"],
    [loan, "retry.requested", null],
    [loan, "retry.requested", "running"],
  ]);
  expect(seen(byStatus)).toEqual([
    [loan, "step.failed", "parked"],
    [other, "step.failed", "parked"],
  ]);
  expect(seen(byType).map(([, type]) => type)).toEqual(Array.from({ length: 4 }, () => "step.failed"));
});

test("a saga's stream ends with its saga, after its last event; who asks again from there is answered 204", async () => {
  const { sql } = bench;
  const { url } = serve();
  const sagaId = await insertSaga(sql);
  const path = `/v1/sagas/${sagaId}/events`;
  const client = await open(url, path);
  const start = client.position();
  const answer = await insertMessage(sql, { sagaId, type: "step.succeeded" });
  await sql.begin(async (tx) => {
    await transition(tx, sagaId, answer, 2, "completed");
    await insertMessage(tx as never, { sagaId, type: "saga.completed" });
  });
  await client.ended;
  const told = [
    ["step.succeeded", null],
    ["step.succeeded", "completed"],
    ["saga.completed", null],
  ];
  const seen = ({ events }: StreamClient) => events.map((event) => [event.type, event.status]).sort();
  expect(client.notices).toEqual(["ready", "end"]);
  expect(seen(client)).toEqual(told.toSorted());
  expect((await follow(url, path, client.position())).status).toBe(204);
  // One who comes later, and one who missed it all.
  const late = await open(url, path);
  await late.ended;
  expect([late.notices, late.events]).toEqual([["ready", "end"], []]);
  const resumed = await open(url, path, start);
  await resumed.ended;
  expect([resumed.notices, seen(resumed)]).toEqual([["ready", "end"], told.toSorted()]);
});

test("a position that is not kept any more, of another database or too far back is answered with a reset", async () => {
  const { sql } = bench;
  const { url } = serve({ limits: { behindMax: 3 } });
  const sagaId = await insertSaga(sql);
  const position = (await open(url)).position() as string;
  const [at = "", xmax = ""] = position.split(".");
  const old = await open(url, "/v1/stream", `1000.${xmax}`);
  const future = await open(url, "/v1/stream", `${at}.${Number(xmax.split("_")[0]) + 1_000_000}`);
  for (let n = 0; n < 4; n += 1) await insertMessage(sql, { sagaId, type: "signal.received" });
  const far = await open(url, "/v1/stream", position);
  await insertMessage(sql, { sagaId, type: "cancel.requested" });
  for (const client of [old, future, far]) {
    expect(client.notices).toEqual(["reset"]);
    await eventually("what comes is told", async () => client.events.at(-1)?.type === "cancel.requested");
  }
});

test("reasons are told, sensitive values masked", async () => {
  const { sql } = bench;
  const { url } = serve({ engine: { sensitive: async () => ["input.name"] } });
  const sagaId = await insertSaga(sql, { input: { name: "Rosalind" } });
  const client = await open(url);
  await insertMessage(sql, {
    sagaId,
    type: "step.rejected",
    step: "screen",
    body: { code: "unknown_person", message: "no Rosalind here" },
  });
  await insertMessage(sql, {
    sagaId,
    type: "saga.parked",
    body: { error: { code: "failed", message: "ask Rosalind" } },
  });
  await eventually("both", async () => client.events.filter(isOf(sagaId)).length === 2);
  expect(client.events.filter(isOf(sagaId)).map((event) => event.error)).toEqual([
    { code: "unknown_person", message: "no *** here" },
    { code: "failed", message: "ask ***" },
  ]);
});

test("rows of transactions that lie ahead, as a restored database has them, are not told again and again", async () => {
  const { sql } = bench;
  // What other tests read must not hold these.
  const { url } = serve({ limits: { behindMax: 3 } });
  const sagaId = await insertSaga(sql);
  const position = (await open(url)).position();
  const messages: string[] = [];
  try {
    for (let n = 0; n < 5; n += 1) {
      const messageId = await insertMessage(sql, { sagaId, type: "signal.received" });
      messages.push(messageId);
      await sql.begin((tx) => transition(tx, sagaId, messageId, n + 2, "running"));
    }
    await sql`update timeline.event_request set xid = (xid::text::bigint + 1000000000)::text::xid8 where message_id = any (${messages})`;
    await sql`update timeline.event_consumption set xid = (xid::text::bigint + 1000000000)::text::xid8 where message_id = any (${messages})`;
    const client = await open(url, "/v1/stream", position);
    const later = await insertMessage(sql, { sagaId, type: "cancel.requested" });
    const last = await insertMessage(sql, { sagaId, type: "cancel.requested" });
    await eventually("what comes is told", async () => client.events.at(-1)?.messageId === last);
    expect(client.notices).toEqual(["ready"]);
    expect(client.events.map((event) => event.messageId)).toEqual([later, last]);
  } finally {
    await sql`delete from timeline.event_consumption where message_id = any (${messages})`;
    await sql`delete from timeline.event_request where message_id = any (${messages})`;
  }
});
