import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "postgres";

import { checkGathered } from "./harness/checker/check.ts";
import { PLANTED } from "./harness/checker/planted.ts";
import { type Outcome, Run } from "./harness/run.ts";
import { storyOf } from "./harness/story.ts";

const SEED = 7;
/** Of each sort one: the process, its sleep, its sessions, its line, what comes again, and what is rewound. */
const FAULTS = ["kill-engine", "stop-engine", "terminate-backends", "database-cut", "duplicates", "rewind"];

let run: Run;
let outcome: Outcome;

beforeAll(async () => {
  run = await Run.open({
    mode: "single",
    seed: SEED,
    minutes: 3,
    only: FAULTS,
    most: FAULTS.length,
    longestMs: 2_000,
    clients: 3,
    pauseMs: 150,
    healsEach: false,
    say: () => {},
  });
  outcome = await run.toTheEnd();
  await Promise.all(run.world.engines.map((engine) => engine.end("SIGKILL")));
}, 240_000);
afterAll(async () => run?.world.close(), 60_000);

test("under every sort of fault nothing is broken, and the run proves something", async () => {
  const { sql, engines } = run.world;
  const lines = engines.flatMap((engine) => engine.lines);
  const stories = await Promise.all(
    outcome.violations.map((one) => storyOf(one, { sql, strikes: run.strikes, lines })),
  );
  expect(stories).toEqual([]);
  expect(new Set(outcome.strikes.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
});

test.each(PLANTED.map((planted) => [planted.invariant, planted.what, planted.plant] as const))(
  "%s: the checker sees that %s",
  async (invariant, _what, plant) => {
    const { sql } = run.world;
    let seen: readonly string[] = [];
    // Nothing of it stays: the next one is planted in the same database.
    await sql
      .begin(async (tx) => {
        await tx.unsafe("set local session_replication_role = replica");
        await tx.unsafe(plant);
        seen = (await checkGathered(tx as unknown as Sql, invariant)).map((violation) => violation.invariant);
        throw new Error("planted");
      })
      .catch((error: Error) => {
        if (error.message !== "planted") throw error;
      });
    expect(seen).toContain(invariant);
  },
  30_000,
);

test("what everybody had consumed when the slot was lost may be missing from its topic", async () => {
  const moved =
    "(select message_id from timeline.event_request where message_type = 'saga.completed' order by message_id limit 1)";
  const broken = async (consumed: boolean) => {
    let seen = -1;
    await run.world.sql
      .begin(async (tx) => {
        await tx.unsafe("set local session_replication_role = replica");
        await tx.unsafe(`delete from checker.log where message_id = ${moved}`);
        if (!consumed)
          await tx.unsafe(`update timeline.event_consumption set consumed_at = null where message_id = ${moved}`);
        await tx.unsafe(
          "insert into timeline.slot_loss (id, slot, cause) values (timeline.new_ulid(), 'lost', 'planted')",
        );
        seen = (await checkGathered(tx as unknown as Sql, "I8")).length;
        throw new Error("planted");
      })
      .catch((error: Error) => {
        if (error.message !== "planted") throw error;
      });
    return seen;
  };
  expect(await broken(true)).toBe(0);
  expect(await broken(false)).toBe(1);
}, 30_000);

test("every invariant has a planted violation", () => {
  expect([...new Set(PLANTED.map(({ invariant }) => invariant))]).toEqual(
    Array.from({ length: 14 }, (_, index) => `I${index + 1}`),
  );
});
