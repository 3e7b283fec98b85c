import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Kafka, logLevel } from "kafkajs";
import type { RunningEngine } from "../../engine/main.ts";
import { Client, type SagaJson } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";
import { testStack } from "../support/stack.ts";

interface Part {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly done: number;
  readonly run: number;
  readonly parked: number;
  readonly closed: number;
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly earliest: number;
  readonly end: number;
  readonly committed: number | null;
  readonly lag: number;
}

interface Answer {
  readonly status: number;
  readonly json: { readonly code?: string; readonly hint?: string; readonly detail?: string; readonly parts: Part[] };
}

let count = 0;
const PATH = "/v1/consumer-groups/lab";

describe.each([...TRANSPORTS])("a rewind on the %s transport", (kind) => {
  let lab: TestEngine;
  let other: RunningEngine | undefined;
  const client = new Client(() => lab.url);
  const since = new Date(Date.now() - 1_000).toISOString();

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 300_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  const rewind = (to: object, query = "", by = client): Promise<Answer> =>
    by.call("POST", `${PATH}/rewind${query}`, { reason: "test", ...to });
  const preview = (to: object) => rewind(to, "?preview=true");
  const partitions = async (topic: string) =>
    ((await client.ok("GET", PATH)) as { partitions: Partition[] }).partitions.filter((at) => at.topic === topic);
  const consumed = () =>
    eventually("everything is consumed", async () => {
      const { lag } = (await client.ok("GET", PATH)) as { lag: number };
      return lag === 0;
    });
  const effects = async () => (await lab.sql`select from lab.effect`).length;
  const sum = (parts: readonly Part[], of: "run" | "parked" | "done" | "closed") =>
    parts.reduce((total, part) => total + part[of], 0);
  async function sagas(many: number): Promise<readonly SagaJson[]> {
    return Promise.all(
      Array.from({ length: many }, () => client.start("three", { note: `rewind-${++count}` }, "?wait=30s")),
    );
  }
  /** The partition in which a saga's first command lies, and where. */
  const placeOf = async (sagaId: string) => {
    const [row] = await lab.sql<{ message_id: string; partition: number; offset: number }[]>`
      select c.message_id, c.partition, c."offset" from timeline.event_consumption c
      where c.consumer_group = 'lab' and c.topic = 'lab.one' and c.correlation_id = ${sagaId}
    `;
    return row as { message_id: string; partition: number; offset: number };
  };

  /** The other process follows in a moment; on Kafka it owns some of the partitions. */
  const pause = async () => {
    await client.ok("POST", `${PATH}/pause`, { reason: "so that something waits" });
    const elsewhere = new Client(() => other?.url ?? lab.url);
    await eventually("both have paused", async () => {
      const { members } = (await elsewhere.ok("GET", PATH)) as { members: { state: string }[] };
      return members.every(({ state }) => state === "paused" || state === "standby");
    });
  };

  test("to an offset, a message and a time: everything is skipped as done, nothing is done twice", async () => {
    const [one] = (await sagas(4)) as [SagaJson];
    await consumed();
    const before = await effects();
    const { message_id: messageId, partition, offset } = await placeOf(one.sagaId);

    const byOffset = await rewind({ topic: "lab.one", partition, offset: 0 });
    expect(byOffset).toMatchObject({
      status: 200,
      json: { parts: [{ partition, to: 0, run: 0, parked: 0, closed: 0 }] },
    });
    expect(byOffset.json.parts[0]?.done).toBeGreaterThan(0);
    await consumed();
    const byMessage = await rewind({ messageId });
    expect(byMessage).toMatchObject({
      status: 200,
      json: { parts: [{ topic: "lab.one", partition, to: offset, run: 0 }] },
    });
    await consumed();
    const byTime = await rewind({ timestamp: since });
    expect(byTime.status).toBe(200);
    expect(new Set(byTime.json.parts.map(({ topic }) => topic)).size).toBeGreaterThan(2);
    await consumed();

    const inTopic = await rewind({ timestamp: since, topic: "lab.one" });
    expect(new Set(inTopic.json.parts.map(({ topic }) => topic))).toEqual(new Set(["lab.one"]));
    const inPartition = await rewind({ timestamp: since, topic: "lab.one", partition });
    expect(inPartition.json.parts).toMatchObject([{ topic: "lab.one", partition }]);
    await consumed();
    expect(await effects()).toBe(before);
  }, 90_000);

  test("to the first error: what failed runs again, what was given up does not, narrowed or not", async () => {
    const bad = new Set<string>();
    behave("two", "*", ({ sagaId }) => {
      if (bad.size < 3) bad.add(sagaId);
      if (bad.has(sagaId)) throw new Error("broken");
      return undefined;
    });
    const started = await sagas(5);
    const parked = started.filter(({ status }) => status === "parked");
    expect(parked.length).toBe(3);
    const [given] = parked as [SagaJson];
    await client.ok("POST", `/v1/sagas/${given.sagaId}/cancel`, { reason: "not wanted" });
    expect((await client.settled(given.sagaId)).status).toBe("cancelled");
    await consumed();

    const all = await preview({ firstError: true });
    expect(new Set(all.json.parts.map(({ topic }) => topic))).toEqual(new Set(["lab.two"]));
    expect([sum(all.json.parts, "run"), sum(all.json.parts, "parked")]).toEqual([2, 2]);
    const nowhere = await preview({ firstError: true, topic: "lab.one" });
    expect(nowhere).toMatchObject({ status: 409, json: { code: "group.nothing-to-rewind" } });
    const [first] = all.json.parts as [Part];
    const one = await preview({ firstError: true, topic: "lab.two", partition: first.partition });
    expect(one.json.parts).toEqual([first]);
    const whole = await preview({ topic: "lab.two", partition: first.partition, offset: 0 });
    expect(whole.json.parts[0]?.run).toBe(first.run);

    calm();
    calls.length = 0;
    const once = { "idempotency-key": "first-error" };
    const ask = () => client.call("POST", `${PATH}/rewind`, { firstError: true, reason: "once" }, once);
    const done = await ask();
    expect(done.status).toBe(200);
    for (const { sagaId } of parked.slice(1)) {
      await eventually("the saga goes on", async () => (await client.saga(sagaId)).status === "completed");
    }
    await consumed();
    const ran = calls.filter(({ action }) => action === "two").map(({ sagaId }) => sagaId);
    expect(new Set(ran)).toEqual(new Set(parked.slice(1).map(({ sagaId }) => sagaId)));
    const left = await preview({ topic: "lab.two", partition: first.partition, offset: 0 });
    expect(left.json.parts[0]?.run).toBe(0);
    // The same call once more: it was carried out, though nothing that failed is wanted any more.
    expect(await ask()).toEqual(done);
  }, 90_000);

  test("what cannot be done is refused: no such place, beyond the end, forward, without a reason", async () => {
    const [at] = (await partitions("lab.one")) as [Partition];
    const to = { topic: "lab.one", partition: at.partition };
    const cases: readonly (readonly [object, number, string])[] = [
      [{ ...to, offset: at.end + 1 }, 422, "group.offset-out-of-range"],
      [{ ...to, partition: 77, offset: 0 }, 422, "group.offset-out-of-range"],
      [{ timestamp: since, topic: "lab.one", partition: 77 }, 422, "group.offset-out-of-range"],
      [{ ...to, topic: "lab.nothing", offset: 0 }, 422, "group.offset-out-of-range"],
      [{ timestamp: since, partition: 0 }, 422, "request.body-invalid"],
      [{ messageId: "01KAS0CW5X2V7J4H8N6D3Q1RTB" }, 409, "group.nothing-to-rewind"],
      [{ ...to, offset: 0, reason: undefined }, 422, "request.body-invalid"],
    ];
    for (const [body, status, code] of cases) {
      expect([body, await rewind(body)]).toMatchObject([body, { status, json: { code } }]);
    }
    await pause();
    const { sagaId } = await client.start("three", { note: `rewind-${++count}` });
    const ahead = await eventually("a message waits", async () =>
      (await partitions("lab.one")).find(({ lag }) => lag > 0),
    );
    const forward = await rewind({ topic: "lab.one", partition: ahead.partition, offset: ahead.end });
    await client.ok("POST", `${PATH}/resume`, { reason: "go" });
    expect((await client.settled(sagaId)).status).toBe("completed");
    expect(forward).toMatchObject({ status: 409, json: { code: "group.rewind-forward" } });
  }, 60_000);

  test("a paused group is moved and stays paused; two at once are both done, and nothing is lost", async () => {
    await consumed();
    const before = await effects();
    const [one] = (await sagas(3)) as [SagaJson];
    await consumed();
    const { partition } = await placeOf(one.sagaId);
    const place = { topic: "lab.one", partition };
    await client.ok("POST", `${PATH}/pause`, { reason: "test" });
    expect((await rewind({ ...place, offset: 0 })).status).toBe(200);
    expect((await partitions("lab.one")).find((at) => at.partition === partition)?.committed).toBe(0);
    await client.ok("POST", `${PATH}/resume`, { reason: "test" });
    await consumed();

    const end = (await partitions("lab.one")).find((at) => at.partition === partition)?.end ?? 0;
    // The later one may be asked for when the group stands further back already: it is no step forward then.
    const [low, high] = await Promise.all([
      rewind({ ...place, offset: 0 }),
      rewind({ timestamp: new Date().toISOString(), ...place }),
    ]);
    expect([low.status, high.status]).toEqual([200, 200]);
    await consumed();
    expect((await partitions("lab.one")).find((at) => at.partition === partition)?.committed).toBe(end);
    expect(await effects()).toBe(before + 9);
  }, 90_000);

  test("asked of any process, the owner of each partition does it, also while members come", async () => {
    let go: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    behave("one", "*", async () => void (await held));
    const { sagaId } = await client.start("patient", { note: `rewind-${++count}` });
    await eventually("it runs", async () => calls.some((call) => call.sagaId === sagaId));
    const before = await effects();
    const waiting = rewind({ timestamp: since, topic: "lab.one" });
    // Another member comes while the rewind waits for the handler: on Kafka partitions move.
    const joining = lab.another("api,dispatcher,domains");
    await Bun.sleep(500);
    go();
    other = await joining;
    expect((await waiting).status).toBe(200);
    expect((await client.settled(sagaId)).status).toBe("completed");
    await consumed();
    // On Kafka each of the two owns a part, embedded the first owns all: either answers when all is done.
    const elsewhere = new Client(() => other?.url ?? "");
    for (const by of [client, elsewhere]) {
      const answer = await rewind({ timestamp: since, topic: "lab.one" }, "", by);
      expect([answer.status, answer.json.detail]).toEqual([200, undefined]);
      await consumed();
    }
    expect(await effects()).toBe(before + 3);
    const open = await lab.sql`select from timeline.rewind_request where done_at is null`;
    expect(open.length).toBe(0);
  }, 120_000);

  test("what a group is told to pass over counts as consumed: nobody sends it again", async () => {
    await consumed();
    await pause();
    const { sagaId } = await client.start("three", { note: `rewind-${++count}` });
    const at = await eventually("a message waits", async () =>
      (await partitions("lab.one")).find(({ lag }) => lag > 0),
    );
    const answer = await rewind({ topic: "lab.one", partition: at.partition, offset: at.end, skip: true });
    expect([answer.status, answer.json.detail]).toEqual([200, undefined]);
    const rows = await lab.sql<{ error_code: string; done: boolean }[]>`
      select c.error_code, c.consumed_at is not null and not c.error_flag as done from timeline.event_consumption c
      where c.consumer_group = 'lab' and c.topic = 'lab.one' and c.correlation_id = ${sagaId}
    `;
    expect(rows.map((row) => ({ ...row }))).toEqual([{ error_code: "message.skipped", done: true }]);
    // In the audit's own commit: a process that is killed before the move leaves nothing that would be sent again.
    const together = await lab.sql`
      select from timeline.audit a join timeline.event_consumption c on c.xmin = a.xmin
      where a.action = 'group.rewind' and c.error_code = 'message.skipped' and c.correlation_id = ${sagaId}
    `;
    expect(together.length).toBe(1);
    await client.ok("POST", `${PATH}/resume`, { reason: "go" });
    const missing = await client.call("POST", "/v1/republish", { saga: sagaId, missingOnly: true, preview: true });
    expect(missing.status).toBe(200);
    expect(JSON.stringify(missing.json)).not.toContain("lab.one");
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "not wanted" });
  }, 60_000);

  test("a call that is sent again under its Idempotency-Key waits for the same rewind", async () => {
    const { partition } = (await partitions("lab.one"))[0] as Partition;
    const ask = () =>
      client.call(
        "POST",
        `${PATH}/rewind`,
        { topic: "lab.one", partition, offset: 0, reason: "once" },
        { "idempotency-key": "rewind" },
      );
    const before = (await lab.sql`select from timeline.rewind_request`).length;
    const first = await ask();
    await consumed();
    const second = await ask();
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.json).toEqual(first.json);
    expect((await lab.sql`select from timeline.rewind_request`).length).toBe(before + 1);
  }, 60_000);

  test("nobody owns the group: it is moved from where the call came, and goes on from there", async () => {
    await other?.stop();
    const before = await effects();
    await lab.stop();
    const alone = await lab.another("api");
    const by = new Client(() => alone.url ?? "");
    const answer = await rewind({ timestamp: since, topic: "lab.one" }, "", by);
    expect([answer.status, answer.json.detail]).toEqual([200, undefined]);
    const { partitions: at } = (await by.ok("GET", PATH)) as { partitions: Partition[] };
    const moved = at.filter(({ topic, end }) => topic === "lab.one" && end > 0);
    expect(moved.map(({ committed }) => committed)).toEqual(moved.map(() => 0));
    await alone.stop();
    await lab.start();
    await consumed();
    expect(await effects()).toBe(before);
  }, 120_000);

  test("what the topic keeps no more is refused, with the way to send it again", async () => {
    const at = (await partitions("lab.one")).find(({ end }) => end > 1) as Partition;
    if (kind === "embedded")
      await lab.sql`delete from timeline.topic_log where topic = 'lab.one' and "offset" < ${at.end - 1}`;
    else {
      const stack = await testStack();
      const kafka = new Kafka({ brokers: [stack.brokers], logLevel: logLevel.NOTHING });
      const admin = kafka.admin();
      await admin.connect();
      const gone = [{ partition: at.partition, offset: String(at.end - 1) }];
      await admin.fetchTopicMetadata({ topics: [`${lab.prefix}lab.one`] });
      await admin.deleteTopicRecords({ topic: `${lab.prefix}lab.one`, partitions: gone });
      await admin.disconnect();
    }
    await eventually("they are gone", async () =>
      (await partitions("lab.one")).some(({ partition, earliest }) => partition === at.partition && earliest > 0),
    );
    const place = { topic: "lab.one", partition: at.partition };
    for (const to of [
      { ...place, offset: 0 },
      { ...place, timestamp: since },
    ]) {
      const answer = await rewind(to);
      expect(answer).toMatchObject({ status: 422, json: { code: "group.offset-out-of-range" } });
      expect(answer.json.hint).toContain("ekiden republish");
      // Before, it is said how many they are; who has read it may go to what is left.
      const seen = await preview(to);
      expect([seen.status, seen.json.parts]).toMatchObject([200, [{ ...place, to: at.end - 1, expired: at.end - 1 }]]);
    }
    const left = await rewind({ ...place, offset: 0, leaveExpired: true });
    expect([left.status, left.json.parts]).toMatchObject([200, [{ to: at.end - 1, expired: at.end - 1, done: 1 }]]);
    await consumed();
  }, 60_000);

  // Kafka's record times cannot be put back; where the history begins is looked up in the same way there.
  if (kind === "embedded")
    test("what lies before the consumption history is refused", async () => {
      await lab.sql`
        update timeline.event_request set requested_at = '2000-01-01' where message_id in (
          select message_id from timeline.topic_log where topic = 'lab.two' and "offset" < 2)
      `;
      await lab.sql`update timeline.retention set horizon = timeline.ulid_time('2001-01-01') || repeat('0', 16)`;
      const at = (offset: number) => preview({ topic: "lab.two", partition: 0, offset });
      const refused = await at(1);
      expect(refused).toMatchObject({ status: 422, json: { code: "group.history-forgotten" } });
      expect(refused.json.detail).toContain("begins at 2");
      expect((await at(2)).status).toBe(200);
    }, 60_000);
});
