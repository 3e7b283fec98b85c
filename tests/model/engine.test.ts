import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { calm } from "../support/lab/lab/behaviour.ts";
import { type Model, type ModelCommand, runs } from "./commands.ts";
import { checkEffects, heal } from "./healed.ts";
import { checkLaws, checkOrder } from "./laws.ts";
import { Real } from "./real.ts";

/**
 * T3: random commands drive the real engine on a real PostgreSQL, and a model says what must hold once the faults have
 * ended. A run that fails is shrunk and prints its seed, path and replayPath. The seed alone runs it again; with the other
 * two the small one is run: `EKIDEN_MODEL_SEED=… EKIDEN_MODEL_PATH=… EKIDEN_MODEL_REPLAY=… bun test tests/model`.
 * `EKIDEN_MODEL_RANDOM=50` runs so many other seeds.
 */
const FIXED = [32, 41, 42, 860078558];
const RANDOM = Number(process.env.EKIDEN_MODEL_RANDOM ?? 2);
/** How long a run may take to heal; a smaller one that fails the same way needs less to show it. */
const HEAL_MS = 20_000;
const HEAL_AGAIN_MS = 5_000;
/** A failure is made smaller for as long as this. */
const SHRINK_MS = 120_000;

const { EKIDEN_MODEL_SEED: seed, EKIDEN_MODEL_PATH: path, EKIDEN_MODEL_REPLAY: replayPath } = process.env;
const random = Array.from({ length: RANDOM }, () => Math.floor(Math.random() * 2 ** 31));
const seeds = seed === undefined ? [...FIXED, ...random] : [Number(seed)];

let real: Real;
const total = { completed: 0, undone: 0, sagas: 0, run: new Map<string, number>() };

beforeAll(async () => {
  real = await Real.open();
}, 120_000);
afterAll(async () => {
  calm();
  await real?.close();
}, 60_000);

test.each(seeds)(
  "the engine does what the model says, seed %i",
  async (given) => {
    let failed = false;
    const property = fc.asyncProperty(runs(replayPath), async (commands) => {
      if (failed) await again();
      const healMs = failed ? HEAL_AGAIN_MS : HEAL_MS;
      failed = true;
      await runOnce(commands, healMs);
      failed = false;
    });
    await fc.assert(property, {
      seed: given,
      numRuns: 1,
      ...(path === undefined ? {} : { path }),
      interruptAfterTimeLimit: SHRINK_MS,
      markInterruptAsFailure: true,
    });
  },
  300_000,
);

async function runOnce(commands: Iterable<ModelCommand>, healMs: number): Promise<void> {
  const model: Model = { sagas: [], run: new Map() };
  await fc.asyncModelRun(async () => ({ model, real }), commands);
  await heal(model, real, healMs);
  const { completed, undone } = await checkEffects(model, real);
  await checkOrder(model, real);
  await checkLaws(real);
  total.completed += completed;
  total.undone += undone;
  total.sagas += model.sagas.length;
  for (const [name, times] of model.run) total.run.set(name, (total.run.get(name) ?? 0) + times);
}

test("the runs were not empty", () => {
  const ran = Object.fromEntries(total.run);
  console.error(`model: seeds ${random.join(" and ")} were random; ${JSON.stringify({ ...total, run: ran })}`);
  // A run that was made small to show a failure need not do everything; it does something.
  expect(total.run.size).toBeGreaterThan(0);
  if (seed !== undefined) return;
  for (const name of ["start", "signal", "cancel", "mend", "pause", "resume", "rewind", "redrive", "restart", "kill"])
    expect([name, (ran[name] ?? 0) > 0]).toEqual([name, true]);
  expect((ran["terminate"] ?? 0) + (ran["skip"] ?? 0) + (ran["resolve"] ?? 0)).toBeGreaterThan(0);
  expect(total.completed).toBeGreaterThan(10);
  expect(total.undone).toBeGreaterThan(10);
});

/** What a failure left behind must not be found again by the next run. */
async function again(): Promise<void> {
  // How the broken one ends is not what the next run is about.
  await real.close().catch(() => {});
  real = await Real.open();
}
