import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

describe.each([...TRANSPORTS])("a slow handler on the %s transport", (kind) => {
  let lab: TestEngine;
  const client = new Client(() => lab.url);

  beforeAll(async () => {
    lab = await testEngine(kind);
  }, 120_000);
  afterEach(calm);
  afterAll(async () => lab?.close(), 60_000);

  test("delays its own saga only: a hundred others complete while it still runs", async () => {
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let slow = "";
    behave("one", "*", async (context, tx) => {
      if (context.sagaId !== slow) return undefined;
      // Written before the wait: the transaction has its id, and holds the snapshot horizon of the whole database back.
      await (tx as NonNullable<
        typeof tx
      >)`insert into lab.effect (step_key, saga_id, action) values (${`${context.stepKey}#early`}, ${slow}, 'early')`;
      await held;
      return undefined;
    });
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    slow = (await client.start("outside_slow", { note: "slow" })).sagaId;
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    while (!calls.some((call) => call.sagaId === slow)) await Bun.sleep(5);

    const others = await Promise.all(
      Array.from({ length: 100 }, (_, index) => client.start("three", { note: `quick ${index}` })),
    );
    const ends = await Promise.all(others.map(({ sagaId }) => client.settled(sagaId)));
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(["completed"]));
    expect((await client.saga(slow)).status).toBe("running");

    finish();
    expect((await client.settled(slow)).status).toBe("completed");
    expect(await lab.sql`select count(*)::int as n from lab.effect where saga_id = ${slow} and action = 'one'`).toEqual(
      [{ n: 1 }] as never,
    );
  }, 120_000);

  test("is not set aside where the engine's own statements are as slow: it runs once", async () => {
    behave("one", "*", async () => void (await Bun.sleep(500)));
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "test" });
    const { sagaId } = await client.start("three", { note: "short of breath" });
    const stepKey = await eventually("the command is written", async () => {
      const [row] = await lab.sql<{ step_key: string }[]>`
        select step_key from timeline.event_request where correlation_id = ${sagaId} and message_type = 'step.requested'
      `;
      return row?.step_key;
    });
    await lab.sql.begin(async (holder) => {
      await holder`select pg_advisory_xact_lock(hashtextextended(${stepKey}, 2))`;
      await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "test" });
      await eventually("the batch waits to be opened", async () => {
        const [row] = await lab.sql<{ n: number }[]>`
          select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
        `;
        return row?.n === 1;
      });
      await Bun.sleep(500);
    });
    expect((await client.settled(sagaId)).status).toBe("completed");
    expect(calls.filter((call) => call.sagaId === sagaId && call.action === "one")).toHaveLength(1);
  }, 60_000);
});
