import { afterEach, expect, test } from "bun:test";

import { type Cost, chain, LIST, LongSaga } from "../../bench/long-saga.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase | undefined;
let saga: LongSaga | undefined;

afterEach(async () => {
  await saga?.close();
  await database?.drop();
}, 60_000);

async function longSaga(source: string, input: Parameters<typeof LongSaga.create>[2]): Promise<LongSaga> {
  database = await freshDatabase();
  saga = await LongSaga.create(database.url, source, input);
  return saga;
}

/** The middle of some transitions: now and then one meets a checkpoint, a new page, or the window of a list. */
function middle(costs: readonly Cost[], part: keyof Cost): number {
  return costs.map((cost) => cost[part]).toSorted((one, other) => one - other)[Math.floor(costs.length / 2)] as number;
}

const PARTS = ["walBytes", "stateBytes", "statements", "rowsRead", "rowsWritten"] as const;

/** What a transition costs late in a saga, measured by what it costs early. */
function growth(early: readonly Cost[], late: readonly Cost[]): Record<string, number> {
  const parts = PARTS.map((part) => [part, middle(late, part) / middle(early, part)] as const);
  return Object.fromEntries(parts.filter(([, ratio]) => !(ratio <= 1.5)));
}

async function each(count: number, from: number, apply: (index: number) => Promise<Cost>): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (let index = 0; index < count; index += 1) costs.push(await apply(from + index));
  return costs;
}

test("a transition at step 500 writes and reads no more than 1.5 times what one at step 5 does, there and back", async () => {
  const long = await longSaga(chain(501), { n: 0 });
  await long.start();
  const output = (step: number) => ({ n: step, note: "some words" });
  const forth = (step: number) => long.succeed(`s${step}`, output(step));
  const early = await each(9, 0, forth);
  const middle = Array.from({ length: 482 }, (_none, index) => index + 9);
  await long.pass(middle.map((step) => ["step.succeeded", { output: output(step) }, `s${step}`]));
  const late = await each(9, 491, forth);
  expect(growth(early, late)).toEqual({});

  await long.apply("step.rejected", { code: "refused", message: "no" }, "s500");
  const back = (index: number) => long.apply("compensation.succeeded", {}, `s${499 - index}`);
  const deep = await each(9, 0, back);
  await long.pass(middle.toReversed().map((step) => ["compensation.succeeded", {}, `s${step}`]));
  const shallow = await each(9, 491, back);
  expect(growth(shallow, deep)).toEqual({});
  const undo = {
    input: { before: 6 },
    compensates: { stepKey: `${long.id}/s7`, input: { before: 6 }, output: output(7) },
  };
  expect((await long.sent("s7"))[1]).toEqual(undo);
  expect((await long.status()).status).toBe("failed");
}, 120_000);

test("an item of an `each` over 10,000 ids costs at the end of the list what it costs at its beginning", async () => {
  const ids = Array.from({ length: 10_000 }, (_none, index) => `shop-${String(index).padStart(5, "0")}`);
  const long = await longSaga(LIST, { ids });
  await long.start();
  const pack = (item: number) => long.succeed(`ship[${item}]/pack`, { box: item });
  const items = (from: number, to: number) =>
    Array.from({ length: to - from }, (_none, index) => index + from).map(
      (item) => ["step.succeeded", { output: { box: item } }, `ship[${item}]/pack`] as const,
    );
  const early = await each(40, 0, pack);
  await long.pass(items(40, 9_000));
  const late = await each(40, 9_000, pack);
  expect(growth(early, late)).toEqual({});
  expect(Math.max(...late.map(({ stateBytes }) => stateBytes))).toBeLessThan(2_500);
  await long.pass(items(9_040, 10_000));
  expect(await long.status()).toEqual({ status: "completed", output: { boxes: 10_000, last: 9_999 } });
}, 120_000);
