import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

const ORDER = join(import.meta.dir, "../../examples/order");

describe.each([...TRANSPORTS])("an order on the %s transport", (kind) => {
  let engine: TestEngine;
  const client = new Client(() => engine.url);

  beforeAll(async () => {
    engine = await testEngine(kind, { domains: ORDER });
  }, 120_000);
  afterAll(async () => engine?.close(), 60_000);

  const order = (orderNo: string, more: object = {}) => ({
    orderNo,
    email: "taro@example.com",
    sku: "lamp-3",
    quantity: 1,
    amount: 120,
    ...more,
  });
  const stock = async (sku: string) =>
    (await engine.sql<{ available: number }[]>`select available from stock.shelf where sku = ${sku}`)[0]?.available;
  const room = async () => {
    const rows = await engine.sql<{ room: number }[]>`select room from carrier.carrier order by name`;
    return rows.reduce((sum, row) => sum + row.room, 0);
  };

  test("reserves and authorises side by side, takes one of two carriers, ships and captures", async () => {
    const [shelf, places] = [await stock("lamp-3"), await room()];
    const saga = await client.start("order", order(`${kind}-1`), "?wait=30s");

    expect(saga).toMatchObject({ status: "completed", output: { parcelNo: `P-${kind}-1` }, uncompensated: [] });
    expect(await stock("lamp-3")).toBe((shelf ?? 0) - 1);
    expect(await room()).toBe(places - 1);
    const bookings = await engine.sql`
      select handed_over_at is not null as gone, cancelled_at is not null as cancelled
      from carrier.booking where order_no = ${`${kind}-1`} order by 1 desc
    `;
    expect(bookings.filter((one) => one["gone"] && !one["cancelled"])).toHaveLength(1);
    expect(bookings.filter((one) => !one["gone"])).toEqual(
      bookings.filter((one) => !one["gone"]).map(() => ({ gone: false, cancelled: true })),
    );
    const money = await engine.sql`select status from payment.authorisation where order_no = ${`${kind}-1`}`;
    expect(money.map((row) => row["status"])).toEqual(["captured"]);
  }, 60_000);

  test("gives the goods back when the money is refused, and the other way round", async () => {
    const shelf = await stock("lamp-3");
    const dear = await client.start("order", order(`${kind}-2`, { amount: 20_000 }), "?wait=30s");
    const many = await client.start("order", order(`${kind}-3`, { quantity: 1000 }), "?wait=30s");

    expect(dear).toMatchObject({ status: "failed", error: { code: "over_limit" }, uncompensated: [] });
    expect(many).toMatchObject({ status: "failed", error: { code: "sold_out" }, uncompensated: [] });
    expect(await stock("lamp-3")).toBe(shelf);
    const held = await engine.sql`
      select order_no from payment.authorisation where status = 'held' and order_no = any (${[`${kind}-2`, `${kind}-3`]})
    `;
    expect([...held]).toEqual([]);
  }, 60_000);

  test("fails by its own word when no carrier has room, and takes everything back", async () => {
    const places = await engine.sql<{ name: string; room: number }[]>`select name, room from carrier.carrier`;
    await engine.sql`update carrier.carrier set room = 0`;
    const saga = await client.start("order", order(`${kind}-4`), "?wait=30s");
    for (const { name, room: left } of places)
      await engine.sql`update carrier.carrier set room = ${left} where name = ${name}`;

    expect(saga).toMatchObject({ status: "failed", error: { code: "no_carrier" }, uncompensated: [] });
    const status = await engine.sql`select status from payment.authorisation where order_no = ${`${kind}-4`}`;
    expect(status.map((row) => row["status"])).toEqual(["released"]);
  }, 60_000);

  test("forty orders at once end well, each shipped by one carrier", async () => {
    await engine.sql`update stock.shelf set available = available + 100 where sku = 'lamp-3'`;
    await engine.sql`update carrier.carrier set room = room + 100`;
    const places = await room();
    const sagas = await Promise.all(
      Array.from({ length: 40 }, (_, n) => client.start("order", order(`${kind}-many-${n}`), "?wait=50s")),
    );

    expect(new Set(sagas.map(({ status }) => status))).toEqual(new Set(["completed"]));
    expect(await room()).toBe(places - 40);
  }, 90_000);

  test("every saga is what its events make of it", async () => {
    await expectVerified(engine.url);
  }, 60_000);
});
