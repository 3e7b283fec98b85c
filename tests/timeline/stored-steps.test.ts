import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import type { StepChange } from "../../engine/core/decision.ts";
import type { Stored, StoredChange } from "../../engine/core/stored.ts";
import { connect, type Sql, type Tx } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { stepWrites } from "../../engine/timeline/step-write.ts";
import { StoredNeeded, StoredSteps } from "../../engine/timeline/stored-steps.ts";
import { root } from "../architecture/project-files.ts";
import { rowsAfter, storedIn } from "../core/stored-rows.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

let database: FreshDatabase;
let sql: Sql;

const moved = (path: string, output?: StepChange["output"]): StepChange => ({
  path,
  status: "succeeded",
  started: true,
  ...(output === undefined ? {} : { output }),
});

/** On both sides of the place from which the index of deep stacks begins. */
const DEEP = [30, 31, 32, 33, 34, 35];

/** Two transitions, one after the other. */
const TRANSITIONS: readonly { readonly steps: StepChange[]; readonly stored: StoredChange[] }[] = [
  {
    steps: [
      moved("a", { id: 1 }),
      moved("none", null),
      moved("ship", [1, null]),
      moved("ship[0]/pack", { box: "x" }),
      moved("ship[1]/pack", null),
      moved("ship[10]/pack", { box: "y" }),
      moved("ship[1]/inner[0]/pack", { box: "not of ship" }),
      moved("shipment/pack", {}),
      moved("kid"),
      moved("a_b", {}),
      moved("lost", { id: 3 }),
      ...DEEP.map((place) => moved(`deep[${place}]/pack`, place)),
    ],
    stored: [
      { path: "a", input: { n: 1 }, stacked: 1, result: { id: 1, all: true } },
      { path: "none", input: null, stacked: 2 },
      { path: "ship", input: ["one", null, { three: 3 }, "four"] },
      { path: "ship[0]/pack", input: "one", stacked: 3 },
      { path: "ship[1]/pack", input: "two", stacked: 4, result: null },
      { path: "ship[10]/pack", input: "ten", stacked: 5 },
      { path: "shipment/pack", input: {}, stacked: 6 },
      { path: "kid", input: {}, stacked: 7, child: { id: "K" } },
      ...DEEP.map((place) => ({ path: `deep[${place}]/pack`, input: place, stacked: place })),
    ],
  },
  {
    steps: [moved("a_b", { again: 1 })],
    stored: [
      { path: "shipment/pack", stacked: 0 },
      { path: "lost", forgotten: true },
      { path: "kid", child: { id: "K", ended: "completed", pivotPassed: true } },
    ],
  },
];

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 2, name: "stored steps" });
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
  for (const { steps, stored } of TRANSITIONS) {
    await sql.begin(async (tx) => {
      for (const sagaId of ["S", "OTHER"]) {
        const now = "2026-01-01T00:00:00.000Z";
        await Promise.all(stepWrites(tx as Tx, [{ sagaId, now, steps, stored }]).map((write) => write.execute()));
      }
    });
  }
}, 60_000);

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

const inMemory = storedIn(
  TRANSITIONS.reduce<Parameters<typeof rowsAfter>[0]>(
    (rows, { steps, stored }) => rowsAfter(rows, { steps, stored }),
    {},
  ),
);

/** What the rows in the database answer: fetched when it is asked for, then the same question again. */
async function answered<T>(ask: (stored: Stored) => T): Promise<T> {
  return (
    await sql.begin(async (tx) => {
      const stored = new StoredSteps(tx as Tx, "S");
      for (;;) {
        try {
          return { answer: ask(stored) };
        } catch (error) {
          if (!(error instanceof StoredNeeded)) throw error;
          await error.fetch();
        }
      }
    })
  ).answer as T;
}

const QUESTIONS: Readonly<Record<string, (stored: Stored) => unknown>> = {
  "values, of which one is null, one has none and one was never there": (stored) =>
    [...stored.values(["a", "none", "kid", "nowhere"])].toSorted(([one], [other]) => (one < other ? -1 : 1)),
  "values, of which one is forgotten": (stored) => [...stored.values(["lost", "a_b"])],
  "the whole stack": (stored) => stored.stack({ scope: "", except: [], below: null, limit: 100 }),
  "the top of the stack": (stored) => stored.stack({ scope: "", except: [], below: null, limit: 2 }),
  "a deep stack, above and below where its index ends": (stored) =>
    [null, 36, 35, 34, 33, 32].flatMap((below) =>
      [1, 2, 4, 20].map((limit) => stored.stack({ scope: "", except: [], below, limit })),
    ),
  "of a deep stack what stands inside of a scope": (stored) =>
    stored.stack({ scope: "deep", except: [], below: 35, limit: 3 }),
  "what stands below a place": (stored) => stored.stack({ scope: "", except: [], below: 4, limit: 2 }),
  "the stack of a block, whose name begins another's": (stored) =>
    stored.stack({ scope: "ship", except: [], below: null, limit: 100 }),
  "the stack of an item, whose number begins another's": (stored) =>
    stored.stack({ scope: "ship[1]", except: [], below: null, limit: 100 }),
  "the stack without some branches": (stored) =>
    stored.stack({ scope: "ship", except: ["ship[1]", "ship[0]"], below: null, limit: 100 }),
  "an entry": (stored) => stored.stackAt("a"),
  "an entry whose step is not on the stack": (stored) => stored.stackAt("ship"),
  "an entry that was taken off": (stored) => stored.stackAt("shipment/pack"),
  "the children": (stored) => stored.children(),
  "a part of a list": (stored) => stored.items("ship", 1, 3),
  "the end of a list": (stored) => stored.items("ship", 3, 30),
  "the results of a list": (stored) => [...stored.results("ship", "pack")].toSorted(([one], [other]) => one - other),
};

for (const [what, ask] of Object.entries(QUESTIONS)) {
  test(`the database answers as the memory of a fold does: ${what}`, async () => {
    expect(await answered(ask)).toEqual(ask(inMemory));
  });
}

test("what another transition of the step does not say stays as it is", async () => {
  const rows =
    await sql`select path, output, input, stacked from timeline.saga_step where saga_id = 'S' and path in ('a_b', 'kid') order by path`;
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { path: "a_b", output: { again: 1 }, input: null, stacked: null },
    { path: "kid", output: null, input: {}, stacked: 7 },
  ]);
}, 60_000);
