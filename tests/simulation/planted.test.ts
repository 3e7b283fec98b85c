import { afterAll, describe, expect, test } from "bun:test";
import { isInExplorer, PLANTED, type PlantedBug } from "./planted.ts";
import { ruleOf, simulateSeed } from "./simulate-seed.ts";

/** A bug that many seeds do not show would not be found by those of a run either. */
const SEEDS_MAX = 400;

const rows: string[] = [];

async function firstCatch({ bugs }: PlantedBug): Promise<string | undefined> {
  if (bugs === null) return undefined;
  for (let seed = 0; seed < SEEDS_MAX; seed += 1) {
    const { violation } = await simulateSeed(seed, bugs);
    if (violation !== undefined) return `${ruleOf(violation)}, seed ${seed}`;
  }
  return undefined;
}

describe("a planted bug is found", () => {
  for (const planted of PLANTED) {
    test(planted.bug, async () => {
      const caught = await firstCatch(planted);
      const byExplorer = isInExplorer(planted);
      rows.push(`  ${planted.bug.padEnd(58)} T1 ${byExplorer ? "yes" : "no "}  T2 ${caught ?? "no"}`);
      if (planted.bugs === null) expect(byExplorer).toBe(true);
      else expect(caught ?? "nothing was found").toMatch(/^(?:I\d+|S\d+|Liveness), seed \d+$/);
    }, 60_000);
  }

  // What the explorer finds stands in its own tests.
  afterAll(() => console.log(`planted bugs and what finds them\n${rows.join("\n")}`));
});
