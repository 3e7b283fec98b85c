/**
 * `bun run test`: the static checks, the branch coverage of the core, then every test: unit, API, contract, integration, end to end, documentation. Real
 * PostgreSQL, Kafka and Debezium are started by the tests themselves. Its last line is `N passed, N failed`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { countTests } from "./count-tests.ts";
import { COVERAGE, runStep, STATIC_STEPS, UNIT } from "./run-step.ts";

/** For tests that state no time of their own; the ones that start servers state theirs. */
const TEST_TIMEOUT_MS = 60_000;

type Part = readonly [name: string, paths: readonly string[]];

/**
 * Parts one after the other, those of a line side by side. READMEs and drills start stacks of their own: two stacks at once
 * would need twice the memory, and the others of its line need a database at most.
 */
const PARTS: readonly (readonly Part[])[] = [
  [
    ["documentation and its drills", ["./tests/docs", "./tests/drills"]],
    ["unit tests, architecture rules and API", [...UNIT, "./tests/api"]],
  ],
  [
    [
      "contract, integration and end to end",
      ["contract", "transport", "integration", "e2e", "faults", "fuzz", "model"].map((kind) => `./tests/${kind}`),
    ],
  ],
];

const folder = await mkdtemp(join(tmpdir(), "ekiden-run-"));
const failures: string[] = [];
let passed = 0;
let failed = 0;
for (const step of [...STATIC_STEPS, COVERAGE]) {
  if (await runStep(step)) passed++;
  else failed++;
}
for (const parts of PARTS) await Promise.all(parts.map(runPart));

await rm(folder, { recursive: true, force: true });

for (const name of failures) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function runPart([name, paths]: Part): Promise<void> {
  const report = join(folder, `${name}.xml`);
  const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`, ...paths];
  const green = await runStep({ name, args });
  const counted = countTests(await readOr(report, ""));
  passed += counted.passed;
  // A file that does not load, or a run that was killed, stands in no report.
  failed += green ? counted.failed : Math.max(1, counted.failed);
  failures.push(...counted.failures);
}

function readOr(path: string, otherwise: string): Promise<string> {
  return Bun.file(path)
    .text()
    .catch(() => otherwise);
}
