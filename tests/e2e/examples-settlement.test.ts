import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

const SETTLEMENT = join(import.meta.dir, "../../examples/settlement");
const SHOPS = 12;

describe.each([...TRANSPORTS])("a monthly settlement on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    engine = await testEngine(kind, { domains: SETTLEMENT });
    await engine.sql`
      insert into sales.shop (shop_no, account) select 'S' || n, 'A' || n from generate_series(1, ${SHOPS}) n
    `;
    await engine.sql`insert into bank.account (account) select 'A' || n from generate_series(1, ${SHOPS}) n`;
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  const sell = (month: string) => engine.sql`
    insert into sales.sale (id, shop_no, amount, sold_at)
    select ${month} || n, 'S' || n, 100 + n, ${`${month}-15T03:00:00Z`}::timestamptz from generate_series(1, ${SHOPS}) n
  `;
  const paid = async (month: string) =>
    (
      await engine.sql<{ account: string; amount: number }[]>`
        select account, sum(amount)::float8 as amount from bank.entry where reference like ${`${month} %`}
        group by account having sum(amount) <> 0 order by account
      `
    ).map(({ account, amount }) => [account, amount] as const);
  const childrenOf = async (sagaId: string) =>
    (
      await engine.sql<{ status: string; parent_path: string }[]>`
        select status, parent_path from timeline.saga where parent_id = ${sagaId} order by id
      `
    ).map(({ status }) => status);

  test("pays each shop by a saga of its own and closes the books", async () => {
    await sell("2031-01");
    const input = { plannedAt: "2031-02-01T03:00:00+09:00" };
    const saga = await client.start("settlement", input, "?wait=50s");

    expect(saga).toMatchObject({ status: "completed", output: { month: "2031-01", paid: SHOPS, held: 0 } });
    expect(await childrenOf(saga.sagaId)).toEqual(Array.from({ length: SHOPS }, () => "completed"));
    const { items } = (await client.ok("GET", `/v1/sagas?parent=${saga.sagaId}`)) as {
      items: { definition: string; parent: { sagaId: string; step: string } }[];
    };
    expect(items.map(({ parent }) => parent.step).sort()).toEqual(
      Array.from({ length: SHOPS }, (_, n) => `transfers[${n}]/transfer`).sort(),
    );
    expect(new Set(items.map(({ definition, parent }) => `${definition} of ${parent.sagaId}`))).toEqual(
      new Set([`bank_transfer of ${saga.sagaId}`]),
    );
    expect(new Map(await paid("2031-01")).get("A7")).toBe(107);
  }, 90_000);

  test("keeps the money of a shop whose account is closed, after its transfer has undone itself", async () => {
    await sell("2031-02");
    await engine.sql`update bank.account set closed_at = clock_timestamp() where account = 'A3'`;
    const input = { plannedAt: "2031-03-01T03:00:00+09:00" };
    const saga = await client.start("settlement", input, "?wait=50s");
    await engine.sql`update bank.account set closed_at = null where account = 'A3'`;

    expect(saga).toMatchObject({ status: "completed", output: { paid: SHOPS - 1, held: 1 }, uncompensated: [] });
    expect((await childrenOf(saga.sagaId)).filter((status) => status === "failed")).toHaveLength(1);
    expect((await paid("2031-02")).some(([account]) => account === "A3")).toBe(false);
    const held = await engine.sql`select shop_no from sales.held_payout where month = '2031-02'`;
    expect(held.map((row) => row["shop_no"])).toEqual(["S3"]);
  }, 90_000);

  test("takes every transfer back when the books cannot be closed", async () => {
    await sell("2031-03");
    await engine.sql`insert into sales.settlement (month, step_key, paid, held, booked_at) values ('2031-03', 'by hand', 0, 0, now())`;
    const input = { plannedAt: "2031-04-01T03:00:00+09:00" };
    const saga = await client.start("settlement", input, "?wait=50s");

    expect(saga).toMatchObject({ status: "failed", error: { code: "already_booked" }, uncompensated: [] });
    expect(await paid("2031-03")).toEqual([]);
    expect(await childrenOf(saga.sagaId)).toEqual(Array.from({ length: SHOPS }, () => "completed"));
    const open =
      await engine.sql`select count(*)::int as n from sales.sale where id like '2031-03%' and settled_by is null`;
    expect(open[0]?.["n"]).toBe(SHOPS);
  }, 90_000);

  test("ends early when nothing was sold", async () => {
    const saga = await client.start("settlement", { plannedAt: "2032-02-01T03:00:00+09:00" }, "?wait=50s");

    expect(saga).toMatchObject({ status: "completed", output: { month: "2032-01", paid: 0, held: 0 } });
  }, 60_000);

  test("is started by its schedule, once, for the newest of the times that have come", async () => {
    await sell("2026-01");
    await engine.sql`update timeline.definition set scheduled_since = '2025-12-15T00:00:00Z' where name = 'settlement'`;
    const runs = () => engine.sql<
      { planned_at: Date; status: string; reason: string | null; saga_id: string | null }[]
    >`
      select planned_at, status, reason, saga_id from timeline.schedule_run where definition = 'settlement' order by planned_at
    `;
    await eventually("the newest planned time is started", async () => (await runs()).at(-1)?.status === "started");
    const all = await runs();

    expect(all[0]?.planned_at.toISOString()).toBe("2025-12-31T18:00:00.000Z");
    expect(new Set(all.slice(0, -1).map(({ status, reason }) => `${status}: ${reason}`))).toEqual(
      new Set(["skipped: no engine ran at that time"]),
    );
    const last = all.at(-1);
    const saga = await client.settled(last?.saga_id ?? "");
    expect(saga).toMatchObject({ status: "completed" });
    await Bun.sleep(2_500);
    expect(await runs()).toHaveLength(all.length);
    const { schedule } = (await client.ok("GET", "/v1/definitions/settlement")) as {
      schedule: { nextAt: string; timezone: string; runs: { status: string; sagaId: string }[] };
    };
    expect(schedule.runs[0]).toMatchObject({ status: "started", sagaId: last?.saga_id });
    expect([schedule.timezone, schedule.nextAt > new Date().toISOString()]).toEqual(["Asia/Tokyo", true]);
  }, 60_000);

  test("every saga is what its events make of it", async () => {
    await expectVerified(engine.url);
  }, 60_000);
});
