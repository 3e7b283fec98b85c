/**
 * `bun run check`: types, lint, definitions and domains, architecture rules and the unit tests. No database, under a
 * minute. All of it runs even after a failure: one run shows everything that is wrong.
 */
import { runStep, STATIC_STEPS, type Step, UNIT } from "./run-step.ts";

const UNIT_STEP: Step = {
  name: "unit tests and architecture rules",
  args: ["test", "--parallel=2", "--no-isolate", ...UNIT],
};

let failed = 0;
for (const step of [...STATIC_STEPS, UNIT_STEP]) failed += (await runStep(step)) ? 0 : 1;
console.log(failed === 0 ? "check: ok" : `check: ${failed} of ${STATIC_STEPS.length + 1} parts failed`);
process.exit(failed === 0 ? 0 : 1);
