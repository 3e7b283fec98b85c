import { afterAll, beforeAll, expect, test } from "bun:test";
import { TRANSACTIONS } from "../support/isolation/crossing.ts";
import { Laboratory } from "../support/isolation/explore.ts";

/** Turns that are taken away from one that could have gone on. With three, every pair of statements meets in every order. */
const SWITCHES = 3;
/** Schedules of one pair, at most; those with the fewest switches come first. */
const SCHEDULES = 200;

const names = Object.keys(TRANSACTIONS);
const pairs = names.flatMap((first, at) => names.slice(at).map((second) => [first, second] as const));
let laboratory: Laboratory;
let played = 0;

beforeAll(async () => {
  laboratory = await Laboratory.open();
}, 60_000);
afterAll(async () => {
  await laboratory?.close();
  console.log(`${played} schedules of ${pairs.length} pairs`);
}, 60_000);

test.each(pairs)(
  "%s against %s",
  async (first, second) => {
    const { schedules, anomalies } = await laboratory.explore([first, second], SWITCHES, SCHEDULES);
    played += schedules;

    expect(anomalies.slice(0, 1)).toEqual([]);
  },
  180_000,
);
