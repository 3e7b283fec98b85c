import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";

const SUBSCRIPTION = join(import.meta.dir, "../../examples/subscription");

describe.each([...TRANSPORTS])("a renewal on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    engine = await testEngine(kind, { domains: SUBSCRIPTION });
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  const renewal = (subscriptionNo: string, endsAt: Date) => ({
    subscriptionNo,
    email: "aoi@example.jp",
    endsAt: endsAt.toISOString(),
    price: 120,
  });
  const waits = (sagaId: string) =>
    eventually("it waits for the owner", async () => (await client.saga(sagaId)).waitingFor?.[0]?.path);
  const answer = (sagaId: string, subscriptionNo: string, decision: string) =>
    client.ok("POST", `/v1/sagas/${sagaId}/signals/renewal_answered`, { subscriptionNo, decision });
  const letters = async (subscriptionNo: string) =>
    (
      await engine.sql<{ letter: string }[]>`
        select letter from subscription.letter where subscription_no = ${subscriptionNo} order by written_at
      `
    ).map(({ letter }) => letter);
  /** Timer and state change together: a timer that fires between them is not the one that the state knows. */
  const aWeekPasses = (sagaId: string) =>
    engine.sql.begin(async (tx) => {
      await tx`select 1 from timeline.saga where id = ${sagaId} for update`;
      await tx`update timeline.timer set due_at = date_trunc('milliseconds', clock_timestamp()) where saga_id = ${sagaId}`;
      await tx`
        update timeline.saga set state = jsonb_set(state, '{timers}', (
          select jsonb_object_agg(name, to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          from timeline.timer where saga_id = ${sagaId}))
        where id = ${sagaId}
      `;
    });

  test("sleeps until it ends, takes the answer that is meant for it, charges once and extends", async () => {
    const endsAt = new Date(Date.now() + 1_500);
    const { sagaId } = await client.start("renewal", renewal("S-1", endsAt));
    expect(await waits(sagaId)).toBe("answer");
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt.getTime() - 50);
    await answer(sagaId, "another", "renew");
    expect((await client.saga(sagaId)).status).toBe("running");
    await answer(sagaId, "S-1", "renew");

    expect(await client.settled(sagaId)).toMatchObject({
      status: "completed",
      output: { decision: "renew", paid: true },
    });
    const paid = await engine.sql`select count(*)::int as n from payment.payment where subscription_no = 'S-1'`;
    expect(paid[0]?.["n"]).toBe(1);
    expect(await letters("S-1")).toEqual(["question"]);
  }, 60_000);

  test("ends early and well when its owner leaves", async () => {
    const { sagaId } = await client.start("renewal", renewal("S-2", new Date(Date.now() - 1_000)));
    await waits(sagaId);
    await answer(sagaId, "S-2", "leave");

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", error: null });
    const paid = await engine.sql`select count(*)::int as n from payment.payment where subscription_no = 'S-2'`;
    expect(paid[0]?.["n"]).toBe(0);
  }, 60_000);

  test("reminds its owner when the deadline passes, and lapses after the second one", async () => {
    const { sagaId } = await client.start("renewal", renewal("S-3", new Date(Date.now() - 1_000)));
    for (const [path, next] of [
      ["answer", "answer/catch/deadline/late_answer"],
      ["answer/catch/deadline/late_answer", undefined],
    ] as const) {
      await eventually(`it waits at ${path}`, async () => (await client.saga(sagaId)).waitingFor?.[0]?.path === path);
      await aWeekPasses(sagaId);
      if (next !== undefined)
        await eventually("the reminder is written", async () => (await letters("S-3")).length === 2);
    }

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", error: null });
    expect(await letters("S-3")).toEqual(["question", "reminder"]);
  }, 60_000);

  test("goes on for ever after the pivot, until the year is there", async () => {
    await engine.sql`alter table subscription.subscription add constraint closed_for_work check (subscription_no <> 'S-4')`;
    const { sagaId } = await client.start("renewal", renewal("S-4", new Date(Date.now() - 1_000)));
    await waits(sagaId);
    await answer(sagaId, "S-4", "renew");
    await eventually("it has tried twice", async () => {
      const step = (await client.saga(sagaId)).steps.find(({ path }) => path === "extend");
      return (step?.attempts ?? 0) >= 2;
    });
    expect((await client.saga(sagaId)).status).toBe("running");
    await engine.sql`alter table subscription.subscription drop constraint closed_for_work`;

    expect(await client.settled(sagaId)).toMatchObject({ status: "completed", output: { paid: true } });
    const paid = await engine.sql`select count(*)::int as n from payment.payment where subscription_no = 'S-4'`;
    expect(paid[0]?.["n"]).toBe(1);
  }, 60_000);
});
