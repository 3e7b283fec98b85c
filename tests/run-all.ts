/**
 * `bun run test`: the static checks, then every test: unit, API, contract, integration, end to end, documentation. Real
 * PostgreSQL, Kafka and Debezium are started by the tests themselves. Its last line is `N passed, N failed`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { countTests } from "./count-tests.ts";
import { runStep, STATIC_STEPS } from "./run-step.ts";

/** For tests that state no time of their own; the ones that start servers state theirs. */
const TEST_TIMEOUT_MS = 60_000;

const folder = await mkdtemp(join(tmpdir(), "ekiden-run-"));
const report = join(folder, "junit.xml");
let passed = 0;
let failed = 0;
for (const step of STATIC_STEPS) {
  if (await runStep(step)) passed++;
  else failed++;
}
const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`, "./tests"];
const green = await runStep({ name: "tests", args });
const counted = countTests(await Bun.file(report).text().catch(() => ""));
passed += counted.passed;
// A file that does not load, or a run that was killed, stands in no report.
failed += green ? counted.failed : Math.max(1, counted.failed);
await rm(folder, { recursive: true, force: true });

for (const name of counted.failures) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
