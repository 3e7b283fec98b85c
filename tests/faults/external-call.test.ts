import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, TRANSPORTS, testEngine } from "../support/engine.ts";
import { type OutsideRequest, OutsideServer } from "../support/outside-server.ts";
import { returns } from "../support/rough/rough/returns.ts";

const DOMAINS = join(import.meta.dir, "../support/rough");
/** As docs/ARCHITECTURE.md says it. */
const CALLS_MAX = 20;
/** The whole 20 s once; embedded, the proof is the same after eight. */
const HANGS_MS = { kafka: 20_000, embedded: 8_000 };

describe.each([...TRANSPORTS])("external calls on the %s transport", (kind) => {
  let engine: TestEngine;
  let outside: OutsideServer;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    outside = new OutsideServer();
    // One partition: every message of a topic stands behind every other.
    engine = await testEngine(kind, { domains: DOMAINS, partitions: 1 });
  }, 120_000);
  afterEach(() => {
    outside.before = async () => undefined;
    outside.mostOpen = 0;
    returns.clear();
  });
  afterAll(async () => {
    await outside?.close();
    await engine?.close();
  }, 60_000);

  const call = (note: string, definition = "called") => client.start(definition, { url: outside.url, note });
  const askedBy = (sagaId: string) => outside.requests.filter(({ key }) => key.startsWith(sagaId));
  const guardOf = async (sagaId: string) =>
    (
      await engine.sql<{ state: string; outcome: unknown }[]>`
      select state, output as outcome from timeline.step_guard where step_key = ${`${sagaId}/called`}
    `
    )[0]?.state;
  const stepOf = async (sagaId: string) =>
    (await client.saga(sagaId)).steps.find(({ path }) => path === "called")?.status;
  const completed = async (definition: string) =>
    (
      await engine.sql<{ n: number }[]>`
      select count(*)::integer as n from timeline.saga where definition = ${definition} and status = 'completed'
    `
    )[0]?.n as number;

  /** Holds requests until `release`; resolves `all` when that many wait. */
  function gate(matches: (request: OutsideRequest) => boolean) {
    const { promise, resolve: release } = Promise.withResolvers<void>();
    outside.before = async (request) => {
      if (matches(request)) await promise;
      return undefined;
    };
    return release;
  }

  test("one long call among 1,000 messages of its partition delays only its own saga, and holds no transaction and no lock", async () => {
    const seen: (string | undefined)[] = [];
    const others = Promise.withResolvers<void>();
    outside.before = async ({ note, key }) => {
      if (note !== "slow") return undefined;
      // Another session sees it: it was committed before the call.
      seen.push(await guardOf(key.split("/")[0] as string));
      await Promise.all([Bun.sleep(HANGS_MS[kind]), others.promise]);
      return undefined;
    };
    const { sagaId } = await call("slow");
    await eventually("the slow call is out", async () => seen.length === 1);
    const calledAt = new Date();
    for (let begun = 0; begun < 999; begun += 37)
      await Promise.all(Array.from({ length: 37 }, (_, index) => call(`quick ${begun + index}`)));
    await eventually("all others are done", async () => (await completed("called")) === 999, 300_000);
    expect([(await client.saga(sagaId)).status, outside.open]).toEqual(["running", 1]);
    // A transaction or a lock of the call would be as old as the call.
    const held = await engine.sql`
      select a.pid, a.state, a.query from pg_stat_activity a
      where a.datname = current_database() and a.backend_type = 'client backend' and a.xact_start <= ${calledAt}
    `;
    expect([...held]).toEqual([]);
    const [lock] = await engine.sql<{ free: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtextextended(${`${sagaId}/called`}, 2)) as free
    `;
    expect(lock?.free).toBe(true);
    const [row] = await engine.sql`
      select consumed_at, error_flag from timeline.event_consumption
      where consumer_group = 'rough' and correlation_id = ${sagaId}
    `;
    expect(row).toEqual({ consumed_at: null, error_flag: false });

    others.resolve();
    expect((await client.settled(sagaId)).status).toBe("completed");
    expect(seen).toEqual(["started"]);
    expect(askedBy(sagaId)).toEqual([{ method: "POST", note: "slow", key: `${sagaId}/called` }]);
    expect([outside.done.size, outside.requests.length]).toEqual([1_000, 1_000]);
  }, 400_000);

  test("more calls than may be in progress hang, and batched steps, failing steps and other domains go on", async () => {
    const release = gate(({ note }) => note.startsWith("hangs"));
    const hanging = await Promise.all(Array.from({ length: 30 }, (_, index) => call(`hangs ${index}`)));
    await eventually("as many calls as may are out", async () => outside.open === CALLS_MAX);

    returns.set("rejects", () => ({ type: "rejected", code: "no", message: "no" }));
    const rejected = await client.start("batched", { note: "rejects" }, "?wait=20s");
    expect(rejected.status).toBe("failed");
    for (let count = 0; count < 30; count += 1) await client.start("batched", { note: `beside ${count}` });
    expect((await client.start("batched", { note: "batched" }, "?wait=20s")).status).toBe("completed");
    expect((await client.start("elsewhere", { note: "elsewhere" }, "?wait=20s")).status).toBe("completed");
    expect(outside.open).toBe(CALLS_MAX);

    release();
    for (const { sagaId } of hanging) expect((await client.settled(sagaId)).status).toBe("completed");
    expect(outside.mostOpen).toBe(CALLS_MAX);
    for (const { sagaId } of hanging) expect(askedBy(sagaId)).toHaveLength(1);
  }, 60_000);

  test("a call that was not sent leaves no trace and is made again; one that was sent is asked for by the same key", async () => {
    const closed = new OutsideServer();
    const { port, url } = closed;
    await closed.close();
    const { sagaId } = await client.start("called", { url, note: "nobody" });
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { code: "not_sent" } });
    expect(await guardOf(sagaId)).toBeUndefined();

    const opened = new OutsideServer(port);
    opened.before = async () => (opened.requests.length < 3 ? new Response("down", { status: 503 }) : undefined);
    try {
      await client.ok("POST", `/v1/sagas/${sagaId}/retry`, { reason: "it listens again" });
      expect((await client.settled(sagaId)).status).toBe("completed");
      expect(opened.requests.map(({ key }) => key)).toEqual(Array(3).fill(`${sagaId}/called`));
      expect([...opened.done.keys()]).toEqual([`${sagaId}/called`]);
    } finally {
      await opened.close();
    }
  }, 60_000);

  test("a call that outlasts its timeout is asked for again by the same key, and what it answers then moves nothing", async () => {
    const { promise, resolve: release } = Promise.withResolvers<void>();
    let late = 0;
    outside.before = async ({ note }) => {
      if (note !== "impatient" || outside.requests.filter((one) => one.note === note).length > 1) return undefined;
      await promise;
      late += 1;
      return Response.json({ serial: 999_999 });
    };
    const { sagaId } = await call("impatient", "impatient");
    expect((await client.settled(sagaId)).status).toBe("completed");
    release();
    await eventually("the first call is answered at last", async () => late === 1);

    expect(askedBy(sagaId).map(({ key }) => key)).toEqual(Array(2).fill(`${sagaId}/called`));
    const events = await engine.sql`
      select message_type as type, attempt, message_body->>'code' as code, message_body->>'unknown' as unknown
      from timeline.event_request where step_key = ${`${sagaId}/called`} and topic = 'timeline' order by message_id
    `;
    expect([...events]).toEqual([
      { type: "step.failed", attempt: 1, code: "timeout", unknown: "true" },
      { type: "step.succeeded", attempt: 2, code: null, unknown: null },
    ]);
    const [step] = await engine.sql`select output from timeline.saga_step where saga_id = ${sagaId}`;
    expect(step?.["output"]).toEqual({ serial: outside.done.get(`${sagaId}/called`) });
    await noTransactionLeft();
  }, 60_000);

  test("calls that nobody saw end are undone by their key", async () => {
    const release = gate(({ note, method }) => note === "never" && method === "POST");
    const { sagaId } = await call("never", "impatient");
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { code: "timeout" } });
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "give up" });
    expect((await client.settled(sagaId)).status).toBe("cancelled");
    release();

    expect(askedBy(sagaId).map(({ method, key }) => `${method} ${key}`)).toEqual([
      `POST ${sagaId}/called`,
      `POST ${sagaId}/called`,
      `DELETE ${sagaId}/called#compensate`,
    ]);
    expect(outside.voided.has(`${sagaId}/called`)).toBe(true);
    await noTransactionLeft();
  }, 60_000);

  test("a saga that is terminated while a compensation calls waits for it, and does not list what it undid", async () => {
    const { promise, resolve: release } = Promise.withResolvers<void>();
    outside.before = async ({ note, method }) => {
      if (note !== "undone late") return undefined;
      if (method === "POST") return new Response("down", { status: 503 });
      await promise;
      return undefined;
    };
    const { sagaId } = await call("undone late");
    expect((await client.settled(sagaId)).status).toBe("parked");
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "give up" });
    await eventually("its compensation calls", async () => askedBy(sagaId).some(({ method }) => method === "DELETE"));
    await client.ok("POST", `/v1/sagas/${sagaId}/terminate`, { reason: "enough" });
    expect([await guardOf(sagaId), (await client.saga(sagaId)).uncompensated]).toEqual(["compensating", []]);
    release();
    await eventually("the compensation is seen", async () => (await stepOf(sagaId)) === "compensated");

    const { status, uncompensated } = await client.saga(sagaId);
    expect([status, uncompensated, await guardOf(sagaId)]).toEqual(["terminated", [], "compensated"]);
  }, 60_000);

  test("an answer that comes when the saga has given the step up is kept, shown as late, and moves nothing", async () => {
    const { sagaId } = await call("late", "abroad");
    /** As another program does, in two transactions of its own. */
    const claim = async (type: string) => {
      const id = await eventually(`the ${type} is written`, async () => {
        const [row] = await engine.sql<{ id: string }[]>`
          select message_id as id from timeline.event_request where correlation_id = ${sagaId} and message_type = ${type}
        `;
        return row?.id;
      });
      const message = { topic: "rough.abroad", partition: 0, offset: 0, timestamp: 0, key: sagaId, headers: { id } };
      const [row] = await engine.sql`select verdict from timeline.claim('rough', ${engine.sql.json(message)}, true)`;
      expect(row?.["verdict"]).toBe("run");
      return id;
    };
    const answer = async (id: string, body: { output?: { serial: number } }) => {
      const [row] = await engine.sql<{ id: string }[]>`
        select timeline.answer('rough', ${id}, 'succeeded', ${engine.sql.json(body)}) as id
      `;
      return row?.id as string;
    };
    const command = await claim("step.requested");
    expect(await guardOf(sagaId)).toBe("started");
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "too long" });
    await eventually("the saga gives it up", async () => (await guardOf(sagaId)) === "unknown");
    const late = await answer(command, { output: { serial: 1 } });
    expect(await guardOf(sagaId)).toBe("unknown");
    await answer(await claim("compensation.requested"), {});

    expect((await client.settled(sagaId)).status).toBe("cancelled");
    expect(await guardOf(sagaId)).toBe("compensated");
    const view = (await client.ok("GET", `/v1/messages/${late}`)) as { late: boolean; type: string };
    expect([view.type, view.late]).toEqual(["step.succeeded", true]);
  }, 60_000);

  async function noTransactionLeft(): Promise<void> {
    await eventually("no transaction is left open", async () => {
      const rows = await engine.sql`
        select 1 from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%' and pid <> pg_backend_pid()
      `;
      return rows.length === 0;
    });
  }
});
