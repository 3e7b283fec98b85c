/**
 * `bun run check`: types, lint, definitions and domains, architecture rules and the unit tests. No database, under a
 * minute: tests that need more are left to `bun run test`. All of it runs even after a failure: one run shows
 * everything that is wrong.
 */
import { projectFiles } from "./architecture/project-files.ts";
import { NOT_IN_CHECK, runStep, STATIC_STEPS, type Step, UNIT } from "./run-step.ts";

const files = UNIT.flatMap((folder) => projectFiles(`${folder.slice(2)}/**/*.test.ts`)).map(({ path }) => path);

const UNIT_STEP: Step = {
  name: "unit tests and architecture rules",
  args: [
    "test",
    "--parallel=2",
    "--no-isolate",
    ...files.filter((path) => !NOT_IN_CHECK.includes(path)).map((path) => `./${path}`),
  ],
};

let failed = 0;
console.log(`left to \`bun run test\`: ${NOT_IN_CHECK.join(", ")}`);
for (const step of [...STATIC_STEPS, UNIT_STEP]) failed += (await runStep(step)) ? 0 : 1;
console.log(failed === 0 ? "check: ok" : `check: ${failed} of ${STATIC_STEPS.length + 1} parts failed`);
process.exit(failed === 0 ? 0 : 1);
