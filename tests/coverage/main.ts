/**
 * `bun run coverage`: runs the unit tests of the core with counters at its branches and says which branches no test
 * takes. Fails when 98 % are not taken, and when one is missing for which `explained.ts` has no reason.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { projectFiles, root } from "../architecture/project-files.ts";
import { type Coverage, coverageFaults, coverageOf, percentOf } from "./branches.ts";
import { type Counters, instrumented } from "./counters.ts";
import { explained } from "./explained.ts";

const LEAST_PERCENT = 98;

/** Rooms named on the command line are measured too, for information: `bun run coverage definition simulate`. */
const around = Bun.argv.slice(2);

/** The exploration takes no branch that the other tests do not, and twice their time. */
const TOO_LONG = "tests/core/explore.test.ts";

const folder = await mkdtemp(join(tmpdir(), "ekiden-coverage-"));
const counters = await count(join(folder, "counters.json"));
await rm(folder, { recursive: true, force: true });

for (const room of around) say(room, coverageOfRoom(room));
const core = coverageOfRoom("core");
say("core", core);
const faults = coverageFaults(core, explained, LEAST_PERCENT);
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);

async function count(report: string): Promise<Counters> {
  const folders = around.includes("definition") ? "core,definition,scenario,simulate" : "core,scenario,simulate";
  const tests = projectFiles(`tests/{${folders}}/*.test.ts`)
    .map(({ path }) => `./${path}`)
    .filter((path) => path !== `./${TOO_LONG}`);
  const args = ["test", "--preload=./tests/coverage/instrument.ts", "--timeout=60000", "--only-failures", ...tests];
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: root,
    env: { ...Bun.env, EKIDEN_COVERAGE: report, EKIDEN_COVERAGE_ROOMS: ["core", ...around].join("|") },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await child.exited) !== 0) {
    console.error("the tests fail: nothing is measured");
    process.exit(1);
  }
  return (await Bun.file(report).json()) as Counters;
}

/** A file that no test loads counts too, with all its branches. */
function coverageOfRoom(room: string): Coverage {
  const files = projectFiles(`engine/${room}/*.ts`).map(({ path, source }) => [join(root, path), source] as const);
  const untouched = files.filter(([path]) => counters[path] === undefined);
  const more = untouched.map(([path, source]) => [path, instrumented(path, source).counters] as const);
  return coverageOf({ ...counters, ...Object.fromEntries(more) }, Object.fromEntries(files));
}

function say(room: string, coverage: Coverage): void {
  for (const branch of coverage.missing) console.log(`  ${branch}`);
  console.log(`${room}: ${coverage.taken} of ${coverage.all} branches, ${percentOf(coverage).toFixed(2)} %`);
}
