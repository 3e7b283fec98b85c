import { afterAll, beforeAll, expect, test } from "bun:test";
import { Laboratory } from "../support/isolation/explore.ts";

/** Those that meet in the same rows; isolation.long.ts has all pairs, and more switches. */
const PAIRS: [string, string][] = [
  ["start", "start"],
  ["start with the open key", "cancel"],
  ["dispatch", "dispatch"],
  ["dispatch", "participate"],
  ["dispatch", "timer"],
  ["dispatch", "signal"],
  ["participate", "participate"],
  ["participate", "cancel"],
  ["timer", "signal"],
  ["timer", "cancel"],
  ["signal", "rewind of the dispatcher"],
  ["cancel", "rewind of the participant"],
];

let laboratory: Laboratory;
beforeAll(async () => {
  laboratory = await Laboratory.open();
}, 60_000);
afterAll(async () => laboratory?.close(), 60_000);

test.each(PAIRS)(
  "%s against %s: whenever one is interrupted by the other, the outcome is that of one after the other",
  async (first, second) => {
    const { schedules, anomalies } = await laboratory.explore([first, second], 1);

    expect(anomalies.slice(0, 1)).toEqual([]);
    // Each order, and an interruption behind most statements of each.
    expect(schedules).toBeGreaterThan(6);
  },
  60_000,
);

test("without the sagas' lock the same schedules show lost updates", async () => {
  const { sql } = laboratory;
  const [row] = await sql<{ source: string }[]>`
    select pg_get_functiondef('timeline.lock_sagas(text[])'::regprocedure) as source
  `;
  await sql`
    create or replace function timeline.lock_sagas(p_saga_ids text[]) returns void language plpgsql volatile as 'begin end'
  `;
  try {
    const { anomalies } = await laboratory.explore(["dispatch", "signal"], 1);

    expect(anomalies.length).toBeGreaterThan(0);
  } finally {
    await sql.unsafe(row?.source ?? "");
  }
}, 60_000);

test("a call that fails in both orders is an anomaly, not an outcome that is allowed", async () => {
  const { sql } = laboratory;
  await sql`
    create function timeline.refuse_signals() returns trigger language plpgsql as 'begin raise exception ''planted''; end'
  `;
  await sql`create trigger refuse_signals before insert on timeline.signal for each row execute function timeline.refuse_signals()`;
  try {
    const { anomalies } = await laboratory.explore(["signal", "timer"], 1, 2);

    expect(anomalies[0]).toContain("failed one after the other");
  } finally {
    await sql`drop function timeline.refuse_signals() cascade`;
  }
}, 60_000);
