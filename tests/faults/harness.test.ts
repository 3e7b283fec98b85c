import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "postgres";

import { LAWS } from "./harness/checker/check.ts";
import { broken, type Law, type Violation } from "./harness/checker/law.ts";
import { ALLOWED, PLANTED } from "./harness/checker/planted.ts";
import { type Outcome, Run } from "./harness/run.ts";
import { type Sources, storyOf } from "./harness/story.ts";

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

function sources(): Sources {
  const { sql, engines } = run.world;
  return { sql, strikes: run.strikes, lines: engines.flatMap(({ lines }) => lines), logs: run.world.logs() };
}

test("under every sort of fault nothing is broken, and the run proves something", async () => {
  const stories = await Promise.all(outcome.violations.map((one) => storyOf(one, sources())));
  expect(stories).toEqual([]);
  expect(new Set(outcome.strikes.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
});

test("a violation's story tells of the saga, the faults, and what processes and servers wrote", async () => {
  const [saga] = await run.world
    .sql`select id as saga_id from timeline.saga where parent_id is null and finished_at > ${run.strikes[0]?.at as Date} limit 1`;
  const violation = { invariant: "I1", says: "nothing breaks", count: 1, rows: [{ ...saga }] };
  const story = await storyOf(violation, sources());

  for (const part of [`saga ${saga?.["saga_id"]}:`, "saga.started", "faults around it:", "the processes around it:"])
    expect(story).toContain(part);
  expect(story).toMatch(/the end of postgres\.log:\n {4}.*\S/);
});

const listed = (planted: typeof PLANTED) =>
  Object.entries(planted).flatMap(([says, each]) =>
    Object.entries(each).map(([what, plant]) => [what, says, plant] as const),
  );

test.each(listed(PLANTED))(
  "when %s, it is seen that this is not true: %s",
  async (_what, says, plant) => expect((await seenAfter(plant, says))?.says).toBe(says),
  30_000,
);

test.each(listed(ALLOWED))(
  "when %s, this is still true: %s",
  async (_what, says, plant) => expect(await seenAfter(plant, says)).toBeUndefined(),
  30_000,
);

/** What a law sees in the run's database once some SQL has been run there. Nothing of it stays: the next one comes into the same. */
async function seenAfter(plant: string, says: string): Promise<Violation | undefined> {
  let seen: Violation | undefined;
  await run.world.sql
    .begin(async (tx) => {
      await tx.unsafe("set local session_replication_role = replica");
      await tx.unsafe(plant);
      seen = await broken(tx as unknown as Sql, LAWS.find((law) => law.says === says) as Law);
      throw new Error("planted");
    })
    .catch((error: Error) => {
      if (error.message !== "planted") throw error;
    });
  return seen;
}

test("every law of every invariant has a planted violation", () => {
  expect(Object.keys(PLANTED).toSorted()).toEqual(LAWS.map(({ says }) => says).toSorted());
  expect(new Set(LAWS.map(({ invariant }) => invariant))).toEqual(
    new Set(Array.from({ length: 14 }, (_, index) => `I${index + 1}`)),
  );
});
