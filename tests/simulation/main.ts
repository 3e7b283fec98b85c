/**
 * `bun run simulate:seeds -- --seed N` tells the story of one seed; `--from N --count M` runs many and says what they
 * break and what they have met.
 */
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.ts";
import { ruleOf, simulateSeed, tellSeed } from "./simulate-seed.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, from: { type: "string" }, count: { type: "string" } },
});

if (values.seed === undefined)
  process.exit((await many(Number(values.from ?? 0), Number(values.count ?? 2_000))) ? 0 : 1);
const story = await tellSeed(Number(values.seed));
console.log(story);
process.exit(0);

async function many(from: number, count: number): Promise<boolean> {
  const coverage = new Coverage();
  const broken = new Map<string, number[]>();
  const began = performance.now();
  let steps = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await simulateSeed(seed);
    steps += result.steps;
    coverage.add(result.coverage);
    if (result.violation === undefined) continue;
    console.log(`seed ${seed}: ${result.violation.slice(0, 300)}`);
    broken.set(ruleOf(result.violation), [...(broken.get(ruleOf(result.violation)) ?? []), seed]);
  }
  console.log(coverage.toString());
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`${count} seeds, ${steps} steps, ${seconds} s, ${broken.size === 0 ? "nothing is broken" : "BROKEN"}`);
  return broken.size === 0;
}
