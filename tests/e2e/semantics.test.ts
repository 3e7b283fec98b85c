import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { FatalError, rejected, type Tx } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";
import { expectVerified } from "../support/verified.ts";

describe.each([...TRANSPORTS])("a saga on the %s transport", (kind) => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 120_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  const effects = async (sagaId: string) =>
    (await lab.sql<{ action: string }[]>`select action from lab.effect where saga_id = ${sagaId} order by place`).map(
      (row) => row.action,
    );
  const undone = async (sagaId: string) =>
    (
      await lab.sql<{ step_key: string }[]>`select step_key from lab.undone where saga_id = ${sagaId} order by place`
    ).map((row) => row.step_key.slice(sagaId.length + 1));
  const callsOf = (sagaId: string, action: string) =>
    calls.filter((call) => call.sagaId === sagaId && call.action === action).length;
  /** Starts with the dispatcher paused, so that a test can say what this one saga's handlers will do. */
  const startWith = async (definition: string, input: object, prepare: (sagaId: string) => void) => {
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const { sagaId } = await client.start(definition, input);
    prepare(sagaId);
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    return sagaId;
  };

  test("runs its steps in order and completes with its output", async () => {
    const saga = await client.start("three", { note: "plain" }, "?wait=30s");

    expect(saga).toMatchObject({
      status: "completed",
      output: { note: "two of one of plain" },
      error: null,
      uncompensated: [],
    });
    expect(await effects(saga.sagaId)).toEqual(["one", "two", "three"]);
  }, 60_000);

  test("has each step's effect, consumption and answer in one transaction", async () => {
    const { sagaId } = await client.start("three", { note: "one commit" }, "?wait=30s");
    const rows = await lab.sql`
      select e.xid::text as effect, a.xid::text as answer, (c.xmin::text::bigint = (e.xid::text::bigint & 4294967295)) as consumption
      from lab.effect e
      join timeline.event_request q on q.step_key = e.step_key and q.message_type = 'step.requested'
      join timeline.event_request a on a.causation_id = q.message_id
      join timeline.event_consumption c on c.message_id = q.message_id and c.consumer_group = 'lab'
      where e.saga_id = ${sagaId} order by e.place
    `;
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect({ answer: row["answer"], consumption: row["consumption"] }).toEqual({
        answer: row["effect"],
        consumption: true,
      });
  }, 60_000);

  test("does many messages in one transaction, and sets aside the one that throws", async () => {
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const started = await Promise.all(
      Array.from({ length: 30 }, (_, index) => client.start("three", { note: `many ${index}` })),
    );
    const odd = started[7]?.sagaId as string;
    behave("one", odd, (context) => {
      if (context.attempt > 1) return undefined;
      throw new Error("only me");
    });
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    const ends = await Promise.all(started.map(({ sagaId }) => client.settled(sagaId)));

    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["completed"]));
    expect(ends.find((saga) => saga.sagaId === odd)?.steps.find((step) => step.path === "first")?.attempts).toBe(2);
    const [counted] =
      await lab.sql`select count(*)::int as effects, count(distinct xid)::int as transactions from lab.effect where saga_id = any (${started.map(({ sagaId }) => sagaId)})`;
    expect(counted?.["effects"]).toBe(90);
    expect(counted?.["transactions"]).toBeLessThan(80);
    const failures =
      await lab.sql`select correlation_id from timeline.event_consumption_failure join timeline.event_request using (message_id) where message like 'only me'`;
    expect(failures.map((row) => row["correlation_id"])).toEqual([odd]);
  }, 60_000);

  test("that the business rejects is undone in reverse and fails", async () => {
    const sagaId = await startWith("three", { note: "rejected" }, (id) =>
      behave("three", id, () => rejected("no_stock", "nothing left")),
    );

    expect(await client.settled(sagaId)).toMatchObject({
      status: "failed",
      error: { code: "no_stock", message: "nothing left", step: "third" },
      uncompensated: [],
    });
    expect(await effects(sagaId)).toEqual(["one", "two"]);
    expect(await undone(sagaId)).toEqual(["second", "first"]);
  }, 60_000);

  test("goes on after a rejection that it catches", async () => {
    const sagaId = await startWith("three", { note: "caught" }, (id) =>
      behave("three", id, () => rejected("odd", "odd")),
    );

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect(await undone(sagaId)).toEqual([]);
  }, 60_000);

  test("retries a handler that throws, and nothing of the failed attempts stays", async () => {
    const sagaId = await startWith("three", { note: "flaky" }, (id) =>
      behave("two", id, async (context, tx) => {
        if (context.attempt >= 3) return undefined;
        await (tx as Tx)`insert into lab.effect (step_key, saga_id, action) values (${`${context.stepKey}#${context.attempt}`}, ${id}, 'half')`;
        throw new Error("not today");
      }),
    );
    const saga = await client.settled(sagaId);

    expect(saga).toMatchObject({ status: "completed" });
    expect(saga.steps.find((step) => step.path === "second")).toMatchObject({ status: "succeeded", attempts: 3 });
    expect(await effects(sagaId)).toEqual(["one", "two", "three"]);
    const failures =
      await lab.sql`select code, message from timeline.event_consumption_failure f join timeline.event_request r using (message_id) where r.correlation_id = ${sagaId}`;
    expect(failures.map((row) => [row["code"], row["message"]])).toEqual([
      ["exception", "not today"],
      ["exception", "not today"],
    ]);
  }, 60_000);

  test("parks when a handler keeps failing, and a person's retry takes it on", async () => {
    const sagaId = await startWith("three", { note: "parked" }, (id) =>
      behave("two", id, () => {
        throw new FatalError("broken for good", { code: "broken" });
      }),
    );
    expect(await client.settled(sagaId)).toMatchObject({ status: "parked", error: { code: "broken", step: "second" } });
    expect(callsOf(sagaId, "two")).toBeLessThanOrEqual(2);
    const messages = (await client.ok("GET", `/v1/messages?error=true&group=lab&saga=${sagaId}`)) as {
      items: object[];
    };
    expect(messages.items).toHaveLength(1);

    calm();
    expect(await client.call("POST", `/v1/sagas/${sagaId}/retry`, { reason: "mended" })).toMatchObject({
      status: 202,
      json: { status: "running", applied: true },
    });
    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", error: null });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/retry`, { reason: "again" })).toMatchObject({
      status: 409,
      json: { code: "saga.final" },
    });
  }, 60_000);

  test("ends an attempt that takes longer than its timeout, and what it writes afterwards is refused", async () => {
    let late: Promise<unknown> | undefined;
    const sagaId = await startWith("three", { note: "slow" }, (id) =>
      behave("two", id, async (context, tx) => {
        if (context.attempt > 1) return undefined;
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        if (late === undefined && callsOf(id, "two") > 1) {
          late = (async () =>
            (tx as Tx)`insert into lab.effect (step_key, saga_id, action) values (${`${id}/late`}, ${id}, 'late')`)();
          late.catch(() => {});
        }
        throw new Error("too late anyway");
      }),
    );

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect(await effects(sagaId)).toEqual(["one", "two", "three"]);
    const [failure] =
      await lab.sql`select code from timeline.event_consumption_failure f join timeline.event_request r using (message_id) where r.correlation_id = ${sagaId}`;
    expect(failure?.["code"]).toBe("timeout");
    expect(await late?.catch((error: Error) => error.message)).toContain("the transaction of this step is over");
  }, 60_000);

  test("waits for a signal, refuses one that does not fit, and takes the one that does", async () => {
    const { sagaId } = await client.start("waiting", { note: "signal", patience: "long" });
    await eventually("the saga waits", async () => (await client.saga(sagaId)).waitingFor?.[0]?.signal === "decided");

    expect(await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: "yes" })).toMatchObject({
      status: 422,
      json: { code: "signal.invalid", errors: [{ pointer: "/ok" }] },
    });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/signals/unheard`, { ok: true })).toMatchObject({
      status: 422,
    });
    const key = { "idempotency-key": crypto.randomUUID() };
    const accepted = await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true }, key);
    expect(accepted).toMatchObject({ status: 202, json: { sagaId, applied: true } });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true }, key)).toEqual(accepted);

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: true })).toMatchObject({
      status: 409,
    });
  }, 60_000);

  test("takes a signal whose payload is null, where its wait asks for nothing", async () => {
    const { sagaId } = await client.start("notified", { note: "null" });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, null)).toMatchObject({ status: 202 });
    expect((await client.settled(sagaId)).status).toBe("completed");
  });

  test("keeps a signal that comes before its wait", async () => {
    const sagaId = await startWith("waiting", { note: "early", patience: "long" }, () => {});
    await client.ok("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: false });

    expect(await client.settled(sagaId)).toMatchObject({ status: "failed", error: { code: "refused" } });
    expect(await undone(sagaId)).toEqual(["first"]);
  }, 60_000);

  test("stops waiting at its deadline", async () => {
    const saga = await client.start("waiting", { note: "deadline", patience: "short" }, "?wait=30s");

    expect(saga).toMatchObject({
      status: "failed",
      error: { code: "too_late", message: "choose1/when0/brief had no answer" },
    });
    expect(await undone(saga.sagaId)).toEqual(["first"]);
  }, 60_000);

  test("closes a command that nobody took before its deadline, for ever", async () => {
    const saga = await client.start("deadlines", { note: "nobody" }, "?wait=30s");

    expect(saga).toMatchObject({ status: "completed" });
    expect(await effects(saga.sagaId)).toEqual(["one", "three", "two"]);
    const [guard] = await lab.sql`select state from timeline.step_guard where step_key = ${`${saga.sagaId}/second`}`;
    expect(guard?.["state"]).toBe("closed");
    // Whoever takes the command now is refused.
    const [command] =
      await lab.sql`select message_id from timeline.event_request where correlation_id = ${saga.sagaId} and topic = 'lab.elsewhere'`;
    const message = {
      topic: "lab.elsewhere",
      partition: 0,
      offset: 0,
      timestamp: Date.now(),
      key: saga.sagaId,
      headers: { id: command?.["message_id"] },
    };
    const [claim] = await lab.sql`select verdict from timeline.claim('lab', ${lab.sql.json(message as never)})`;
    expect(claim?.["verdict"]).toBe("refused");
  }, 60_000);

  test("that is cancelled while it waits is undone and cancelled", async () => {
    const { sagaId } = await client.start("waiting", { note: "cancel", patience: "long" });
    await eventually("the saga waits", async () => (await client.saga(sagaId)).waitingFor !== null);

    expect(await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "changed my mind" })).toMatchObject({
      status: 202,
      json: { status: "compensating", applied: true },
    });
    expect(await client.settled(sagaId)).toMatchObject({
      status: "cancelled",
      error: { code: "cancelled", message: "changed my mind" },
    });
    expect(await undone(sagaId)).toEqual(["first"]);
  }, 60_000);

  test("that is cancelled while a step runs is cancelled at the step's answer", async () => {
    let go: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const sagaId = await startWith("three", { note: "busy" }, (id) => behave("two", id, async () => void (await held)));
    await eventually("the second step runs", async () => callsOf(sagaId, "two") > 0);

    expect(await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "stop" })).toMatchObject({
      status: 202,
      json: { status: "running" },
    });
    go();
    expect(await client.settled(sagaId)).toMatchObject({ status: "cancelled" });
    expect(await effects(sagaId)).toEqual(["one", "two"]);
    expect(await undone(sagaId)).toEqual(["second", "first"]);
  }, 60_000);

  test("goes forward only once its pivot has succeeded", async () => {
    const sagaId = await startWith("pivoted", { note: "pivot" }, (id) =>
      behave("three", id, () => rejected("too_late", "no")),
    );

    expect(await client.settled(sagaId)).toMatchObject({
      status: "parked",
      error: { code: "too_late", step: "third" },
    });
    expect(await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "please" })).toMatchObject({
      status: 409,
      json: { code: "saga.past-pivot" },
    });
    expect(await undone(sagaId)).toEqual([]);
  }, 60_000);

  test("goes backward when its pivot is rejected", async () => {
    const sagaId = await startWith("pivoted", { note: "no pivot" }, (id) =>
      behave("two", id, () => rejected("refused", "no")),
    );

    expect(await client.settled(sagaId)).toMatchObject({ status: "failed", error: { code: "refused" } });
    expect(await undone(sagaId)).toEqual(["first"]);
  }, 60_000);

  test("tells without waiting for an answer, and a notification that fails disturbs nobody", async () => {
    const sagaId = await startWith("pivoted", { note: "told" }, (id) =>
      behave("tell", id, () => rejected("deaf", "no ear")),
    );

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
    await eventually("the notification is in error", async () => {
      const rows =
        await lab.sql`select error_code from timeline.event_consumption where correlation_id = ${sagaId} and error_flag`;
      return rows[0]?.["error_code"] === "deaf";
    });
    const answers =
      await lab.sql`select 1 from timeline.event_request where correlation_id = ${sagaId} and action = 'tell' and topic = 'timeline'`;
    expect(answers).toHaveLength(0);
  }, 60_000);

  test("undoes an external call whose end nobody saw, without its output", async () => {
    const sagaId = await startWith("outside", { note: "unknown" }, (id) =>
      behave("call", id, () => {
        throw new Error("connection reset");
      }),
    );

    expect(await client.settled(sagaId)).toMatchObject({ status: "failed", error: { code: "outside_failed" } });
    expect(await lab.sql`select output from lab.undone where saga_id = ${sagaId}`).toEqual([{ output: null }] as never);
  }, 60_000);

  test("a rewind of every group to the beginning changes nothing", async () => {
    await eventually("every message is consumed", async () => (await totalLag(client)) === 0);
    const before = await snapshot(lab);
    const callsBefore = calls.length;
    const { items } = (await client.ok("GET", "/v1/consumer-groups")) as {
      items: { group: string; partitions: { topic: string; partition: number; end: number }[] }[];
    };
    for (const { group, partitions } of items) {
      for (const { topic, partition, end } of partitions) {
        if (end > 0 && topic !== "lab.elsewhere")
          await client.ok("POST", `/v1/consumer-groups/${group}/rewind`, {
            topic,
            partition,
            offset: 0,
            reason: "test",
          });
      }
    }
    await eventually("everything is read again", async () => (await totalLag(client)) === 0);

    expect(await snapshot(lab)).toEqual(before);
    // The one message that failed and is still wanted has run again: the notification.
    expect(calls.slice(callsBefore).map((call) => call.action)).toEqual(["tell"]);
  }, 120_000);

  test("every saga is what its events make of it", async () => {
    await expectVerified(lab.url);
  }, 60_000);
});

async function totalLag(client: Client): Promise<number> {
  const { items } = (await client.ok("GET", "/v1/consumer-groups")) as {
    items: { group: string; lag: number; partitions: { topic: string; lag: number }[] }[];
  };
  // Nobody here consumes lab.elsewhere.
  return items
    .flatMap((group) => group.partitions)
    .filter(({ topic }) => topic !== "lab.elsewhere")
    .reduce((sum, { lag }) => sum + lag, 0);
}

async function snapshot(lab: TestEngine) {
  return {
    sagas: await lab.sql`select id, status, sequence, error, uncompensated from timeline.saga order by id`,
    effects: await lab.sql`select step_key, xid::text as xid from lab.effect where action <> 'tell' order by step_key`,
    undone: await lab.sql`select step_key, at from lab.undone order by step_key`,
    guards:
      await lab.sql`select step_key, state from timeline.step_guard where step_key not like '%notify%' order by step_key`,
  };
}
