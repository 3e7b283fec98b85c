/**
 * `bun run test`: the static checks, the branch coverage of the core, then every test: unit, API, contract, integration,
 * end to end, documentation. Real PostgreSQL, Kafka and Debezium are started by the tests themselves. Its last line is
 * `N passed, N failed`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { countTests } from "./count-tests.ts";
import { FailureLog } from "./failure-log.ts";
import { type Part, partsOfRun } from "./parts.ts";
import { COVERAGE, runStep, STATIC_STEPS } from "./run-step.ts";

/** For tests that state no time of their own; the ones that start servers state theirs. */
const TEST_TIMEOUT_MS = 60_000;

const folder = await mkdtemp(join(tmpdir(), "ekiden-run-"));
const failures: string[] = [];
const logs: FailureLog[] = [];
let passed = 0;
let failed = 0;
for (const step of [...STATIC_STEPS, COVERAGE]) {
  if (await runStep(step)) passed++;
  else failed++;
}
await Promise.all((await partsOfRun()).map(runLine));

await rm(folder, { recursive: true, force: true });

for (const text of logs.flatMap((log) => log.failures)) console.log(`── failed:\n${text}`);
for (const name of failures) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

async function runLine(parts: readonly Part[]): Promise<void> {
  for (const part of parts) await runPart(part);
}

async function runPart([name, paths]: Part): Promise<void> {
  const report = join(folder, `${name}.xml`);
  const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`, ...paths];
  const log = new FailureLog();
  logs.push(log);
  const green = await runStep({ name, args }, (line) => log.add(line));
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
