import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { RedriveRunner } from "../../engine/recovery/redrive-runner.ts";
import { Client, type SagaJson } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

interface RedriveJson {
  readonly redriveId: string;
  readonly status: string;
  readonly problem: string | null;
  readonly total: number;
  readonly waiting: number;
  readonly sent: number;
  readonly done: number;
  readonly failed: number;
  readonly closed: number;
  readonly items: readonly { readonly position: number; readonly status: string; readonly messageId: string }[];
  readonly nextCursor: string | null;
}

const codeOf = (json: unknown) => (json as { code?: string }).code;

let count = 0;
const note = () => `redrive-${++count}`;

describe.each([...TRANSPORTS])("redrives on the %s transport", (kind) => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 180_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  /** Sagas parked at their first step, whose handler fails for as long as `broken` says. */
  async function parked(many: number, broken: (sagaId: string) => boolean): Promise<readonly SagaJson[]> {
    behave("one", "*", (context) => {
      if (broken(context.sagaId)) throw new Error("broken");
      return undefined;
    });
    const sagas: SagaJson[] = [];
    // One after the other: the first to start is the first to be sent again.
    for (let n = 0; n < many; n += 1) sagas.push(await client.start("three", { note: note() }, "?wait=30s"));
    expect(sagas.map(({ status }) => status)).toEqual(Array(many).fill("parked"));
    return sagas;
  }

  const order = async (sagas: readonly SagaJson[]) => {
    const rows = await lab.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request
      where correlation_id = any (${sagas.map(({ sagaId }) => sagaId)}) and topic = 'lab.one'
    `;
    return { messageIds: rows.map(({ message_id }) => message_id) };
  };
  const read = (id: string, query = ""): Promise<RedriveJson> => client.ok("GET", `/v1/redrives/${id}${query}`);
  const create = (body: object): Promise<RedriveJson> => client.ok("POST", "/v1/redrives", body);
  const until = (id: string, status: string) =>
    eventually(`the redrive is ${status}`, async () => {
      const redrive = await read(id);
      return redrive.status === status && redrive;
    });

  test("one goes first, the rest follow, of each step the newest attempt, and every saga goes on", async () => {
    let broken = true;
    const sagas = await parked(3, () => broken);
    const selection = await order(sagas);
    expect(selection.messageIds.length).toBe(9);
    const preview = (await client.ok("POST", "/v1/redrives", { ...selection, preview: true })) as {
      total: number;
      settled: number;
      sample: unknown[];
    };
    expect([preview.total, preview.settled, preview.sample.length]).toEqual([3, 0, 3]);
    broken = false;
    const created = await create({ ...selection, reason: "mended" });
    expect([created.total, created.items.length, created.status]).toEqual([3, 3, "first"]);
    const done = await until(created.redriveId, "done");

    expect([done.done, done.failed, done.closed, done.waiting, done.sent]).toEqual([3, 0, 0, 0, 0]);
    for (const { sagaId } of sagas) {
      await eventually("the saga goes on", async () => (await client.saga(sagaId)).status === "completed");
      const effects = await lab.sql`select from lab.effect where saga_id = ${sagaId} and action = 'one'`;
      expect(effects.length).toBe(1);
    }
    // Asked again, nothing is left.
    const { status, json } = await client.call("POST", "/v1/redrives", { ...selection, reason: "again" });
    expect([status, codeOf(json)]).toEqual([409, "redrive.nothing"]);
    const audit =
      await lab.sql`select from timeline.audit where action = 'redrive.create' and target = ${created.redriveId}`;
    expect(audit.length).toBe(1);
  }, 90_000);

  test("when the first fails again nothing else is sent, until a person says go on; failures in a row stop it too", async () => {
    const sagas = await parked(5, () => true);
    const { redriveId } = await create({ ...(await order(sagas)), reason: "hoping", stopAfterErrors: 2 });
    const waits = await until(redriveId, "waiting");
    expect([waits.failed, waits.waiting, waits.sent]).toEqual([1, 4, 0]);
    expect(waits.problem).toContain("the first message failed again: exception");

    await client.ok("POST", `/v1/redrives/${redriveId}/continue`, { reason: "the first is special" });
    const again = await eventually("it stops itself again", async () => {
      const redrive = await read(redriveId);
      return redrive.status === "waiting" && redrive.failed > 1 && redrive;
    });
    expect(again.problem).toContain("2 messages in a row failed again");

    await client.ok("POST", `/v1/redrives/${redriveId}/stop`, { reason: "enough" });
    const { status, json } = await client.call("POST", `/v1/redrives/${redriveId}/continue`, { reason: "x" });
    expect([status, codeOf(json)]).toEqual([409, "redrive.ended"]);
    const list = (await client.ok("GET", "/v1/redrives?limit=1")) as {
      items: RedriveJson[];
      nextCursor: string | null;
    };
    expect(list.items.map(({ redriveId: id, status: is }) => [id, is])).toEqual([[redriveId, "stopped"]]);
    const audit = await lab.sql<{ action: string }[]>`
      select action from timeline.audit where target = ${redriveId} order by id
    `;
    expect(audit.map(({ action }) => action)).toEqual(["redrive.create", "redrive.continue", "redrive.stop"]);
  }, 90_000);

  test("told to go on once the cause is mended, it sends what failed again as well, last", async () => {
    let broken = true;
    const sagas = await parked(3, () => broken);
    const { redriveId } = await create({ ...(await order(sagas)), reason: "hoping", stopAfterErrors: 1 });
    const waits = await until(redriveId, "waiting");
    const [first] = waits.items.filter(({ status }) => status === "failed");
    broken = false;
    await client.ok("POST", `/v1/redrives/${redriveId}/continue`, { reason: "mended" });
    const done = await until(redriveId, "done");

    expect([done.total, done.done, done.failed]).toEqual([3, 3, 0]);
    expect(done.items.at(-1)?.messageId).toBe(first?.messageId as string);
    for (const { sagaId } of sagas)
      await eventually("the saga goes on", async () => (await client.saga(sagaId)).status === "completed");
  }, 90_000);

  test("what a saga has given up is closed, and proves nothing for the rest", async () => {
    let broken = true;
    const [given, wanted] = (await parked(2, () => broken)) as [SagaJson, SagaJson];
    const selection = await order([given, wanted]);
    const paused = await client.call("POST", "/v1/consumer-groups/lab/pause", { reason: "to be sure of the order" });
    expect(paused.status).toBe(200);
    const { redriveId, total } = await create({ ...selection, reason: "mended" });
    expect(total).toBe(2);
    await eventually("the first is out", async () => (await read(redriveId)).sent === 1);
    await client.ok("POST", `/v1/sagas/${given.sagaId}/cancel`, { reason: "not wanted" });
    broken = false;
    await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "go" });
    const done = await until(redriveId, "done");

    expect([done.closed, done.done, done.failed]).toEqual([1, 1, 0]);
    expect((await client.settled(given.sagaId)).status).toBe("cancelled");
    await eventually("the other goes on", async () => (await client.saga(wanted.sagaId)).status === "completed");
  }, 90_000);

  test("a filter finds them by group, code, definition, action and time, and pages show each item", async () => {
    let broken = true;
    const since = new Date().toISOString();
    const sagas = await parked(3, () => broken);
    const before = new Date().toISOString();
    const filter = { group: "lab", errorCode: "exception", definition: "three", topic: "lab.one", action: "one" };
    const total = async (more: object) =>
      (
        (await client.ok("POST", "/v1/redrives", { filter: { ...filter, ...more }, preview: true })) as {
          total: number;
        }
      ).total;
    expect(await total({ failedAfter: since })).toBe(sagas.length);
    expect(await total({ failedAfter: since, failedBefore: since })).toBe(0);
    expect(await total({ failedAfter: since, definition: "family" })).toBe(0);
    broken = false;
    const { redriveId } = await create({
      filter: { ...filter, failedAfter: since, failedBefore: before },
      reason: "mended",
      ratePerSecond: 100,
    });
    await until(redriveId, "done");
    const first = await read(redriveId, "?limit=2&status=done");
    const rest = await read(redriveId, `?limit=2&status=done&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items].map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(rest.nextCursor).toBeNull();
  }, 90_000);
});

describe("carrying redrives on", () => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine("embedded");
  }, 120_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  test("two at once send nothing twice, and the rate holds for both together", async () => {
    let broken = true;
    behave("one", "*", () => {
      if (broken) throw new Error("broken");
      return undefined;
    });
    const sagas = await Promise.all(
      Array.from({ length: 12 }, () => client.start("three", { note: note() }, "?wait=30s")),
    );
    expect(new Set(sagas.map(({ status }) => status))).toEqual(new Set(["parked"]));
    broken = false;
    calls.length = 0;
    const runners = [1, 2, 3].map(() => new RedriveRunner(lab.sql as never, (error) => console.error(error)));
    for (const runner of runners) runner.start();
    const created = (await client.ok("POST", "/v1/redrives", {
      filter: { group: "lab" },
      reason: "mended",
      ratePerSecond: 20,
    })) as RedriveJson;
    await eventually("it is done", async () => {
      const redrive = (await client.ok("GET", `/v1/redrives/${created.redriveId}`)) as RedriveJson;
      return redrive.status === "done";
    });
    for (const runner of runners) await runner.stop();

    const sent = await lab.sql<{ message_id: string }[]>`
      select message_id from timeline.event_republish where topic <> '__heartbeat'
    `;
    expect(sent.length).toBe(12);
    expect(new Set(sent.map((row) => row.message_id)).size).toBe(12);
    expect(calls.filter(({ action }) => action === "one").length).toBe(12);
  }, 90_000);

  test("a selection and a pace that make no sense are refused with the place", async () => {
    const refusals = [
      { reason: "x" },
      { filter: {}, reason: "x" },
      { filter: { group: "lab" }, messageIds: [], reason: "x" },
      { filter: { group: "lab" } },
      { filter: { group: "lab" }, reason: "x", ratePerSecond: 0 },
      { filter: { group: "lab" }, reason: "x", stopAfterErrors: 0.5 },
      { filter: { failedAfter: "yesterday" }, reason: "x" },
      { messageIds: ["nonsense"], reason: "x" },
    ];
    for (const body of refusals) {
      const { status, json } = await client.call("POST", "/v1/redrives", body);
      expect([body, status, codeOf(json)]).toEqual([body, 422, "request.body-invalid"]);
    }
    const unknown = await client.call("GET", "/v1/redrives/01KAS0CW5X2V7J4H8N6D3Q1RTB");
    expect([unknown.status, codeOf(unknown.json)]).toEqual([404, "redrive.unknown"]);
  }, 30_000);

  test("asked for twice under one Idempotency-Key it is one redrive", async () => {
    behave("one", "*", () => {
      throw new Error("broken");
    });
    await client.start("three", { note: note() }, "?wait=30s");
    const ask = () =>
      client.call(
        "POST",
        "/v1/redrives",
        { filter: { group: "lab" }, reason: "twice" },
        { "idempotency-key": "once" },
      ) as Promise<{ status: number; json: RedriveJson }>;
    const [first, second] = await Promise.all([ask(), ask()]);

    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.json.redriveId).toBe(first.json.redriveId);
  }, 60_000);
});
