import { afterAll, describe, expect, test } from "bun:test";
import { isInExplorer, PLANTED, type PlantedBug } from "./planted.ts";
import { ruleOf, simulateSeed } from "./simulate-seed.ts";

/** A bug that many seeds do not show would not be found by those of a run either. */
const SEEDS_MAX = 400;

const rows: string[] = [];

async function firstCatch({
  bugs,
}: PlantedBug): Promise<{ readonly seed: number; readonly violation: string } | undefined> {
  for (let seed = 0; seed < SEEDS_MAX; seed += 1) {
    const { violation } = await simulateSeed(seed, bugs);
    if (violation !== undefined) return { seed, violation };
  }
  return undefined;
}

describe("a planted bug is found", () => {
  for (const planted of PLANTED) {
    test(planted.bug, async () => {
      const caught = await firstCatch(planted);
      const t2 = caught === undefined ? "-" : `${ruleOf(caught.violation)}, seed ${caught.seed}`;
      rows.push(`  ${planted.bug.padEnd(60)} T1 ${isInExplorer(planted) ? "yes" : "-  "}  T2 ${t2}`);
      expect(caught?.violation ?? "nothing was found").toMatch(/^(?:I\d+|S\d+|Liveness): /);
    }, 60_000);
  }

  afterAll(() => console.log(rows.join("\n")));
});
