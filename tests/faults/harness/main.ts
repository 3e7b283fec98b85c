/**
 * `bun run faults [--seed N] [--minutes M] [--mode single|standby|kafka] [--fault NAME] [--log FILE] [--out FILE]`: real processes under load, faults
 * by a seeded schedule, and then the checker. Exit code 1: an invariant is broken, or the run proves too little.
 */
import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";

import { stopSharedParts } from "../../support/teardown.ts";
import { FAULTS } from "./catalogue.ts";
import { report } from "./report.ts";
import { type Outcome, Run } from "./run.ts";
import { storyOf } from "./story.ts";
import { Supervised } from "./supervised.ts";
import { MODES, type Mode } from "./world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 100_000) },
    minutes: { type: "string", default: "6" },
    mode: { type: "string", multiple: true },
    fault: { type: "string", multiple: true },
    longest: { type: "string", default: "20" },
    out: { type: "string" },
    log: { type: "string" },
  },
});

const seed = Number(values.seed);
const modes = (values.mode ?? MODES) as readonly Mode[];
const unknown = [
  ...modes.filter((mode) => !MODES.includes(mode)),
  ...(values.fault ?? []).filter((name) => !FAULTS.some((fault) => fault.name === name)),
];
if (unknown.length > 0 || !(Number(values.minutes) > 0) || !Number.isInteger(seed)) {
  console.error(`unknown: ${unknown.join(", ")}`);
  console.error(`modes: ${MODES.join(", ")}\nfaults: ${FAULTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

if (values.log !== undefined) {
  const log = createWriteStream(values.log);
  Supervised.listener = ({ at, name, text }) => void log.write(`${at.toISOString()} ${name}: ${text}\n`);
}

const SHARES: Readonly<Record<Mode, number>> = { single: 4, standby: 4, kafka: 7 };

let open: Run | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, async () => {
    console.log(`${signal}: everything is stopped`);
    await open?.world.close();
    process.exit(130);
  });

const outcomes: Outcome[] = [];
for (const mode of modes) {
  outcomes.push(await once(mode));
  // A run may be broken off: what is done is kept.
  if (values.out !== undefined) await Bun.write(values.out, report(outcomes, seed));
}
console.log(`\n${report(outcomes, seed)}`);
await stopSharedParts();
process.exit(outcomes.every(({ violations }) => violations.length === 0) ? 0 : 1);

/** Kafka has more kinds of faults, and heals more slowly: it gets as much time as both others, nearly. */
function minutesOf(mode: Mode): number {
  const all = modes.reduce((sum, one) => sum + SHARES[one], 0);
  return (Number(values.minutes) * SHARES[mode]) / all;
}

async function once(mode: Mode): Promise<Outcome> {
  console.log(`── ${mode}, seed ${seed}`);
  const run = await Run.open({
    mode,
    seed,
    minutes: minutesOf(mode),
    ...(values.fault !== undefined && { only: values.fault }),
    longestMs: Number(values.longest) * 1_000,
    clients: 3,
    pauseMs: mode === "kafka" ? 1_000 : 250,
    healsEach: true,
    say: (line) => console.log(line),
  });
  open = run;
  try {
    const outcome = await run.toTheEnd();
    const { sql, engines, gone } = run.world;
    const lines = [...engines, ...gone].flatMap((engine) => engine.lines);
    const sources = { sql, strikes: run.strikes, lines, logs: run.world.logs() };
    for (const violation of outcome.violations) console.log(`\n${await storyOf(violation, sources)}`);
    console.log(`── ${mode}: ${outcome.violations.length} violations`);
    return outcome;
  } finally {
    open = undefined;
    await run.world.close();
  }
}
