/**
 * `bun run fuzz [--minutes M] [--seed N] [--kafka]`: definitions, calls and messages by one seed after the other, until the
 * time is over or something is found. A finding ends it with 1 and says its seed.
 */
import { parseArgs } from "node:util";
import { COURSE, CourseClients } from "../support/course-run.ts";
import { testEngine } from "../support/engine.ts";
import { stopSharedParts } from "../support/teardown.ts";
import { type Answers, fuzzCalls } from "./calls.ts";
import { fuzzDefinitions } from "./definitions.ts";
import { fuzzKafka, fuzzOutbox, missingSagas } from "./messages.ts";
import { stillWorks, targetOf } from "./target.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    kafka: { type: "boolean", default: false },
  },
});
const until = performance.now() + Number(values.minutes) * 60_000;
let seed = Number(values.seed);
try {
  for (; performance.now() < until; seed += 1) await round(seed);
} catch (error) {
  console.error(error);
  console.error(
    `found with seed ${seed}; again: bun run fuzz --minutes 1 --seed ${seed}${values.kafka ? " --kafka" : ""}`,
  );
  process.exitCode = 1;
} finally {
  await stopSharedParts();
}
process.exit();

/** Everything with one seed, each on an engine of its own. */
async function round(seedOfRound: number): Promise<void> {
  const definitions = fuzzDefinitions(seedOfRound, 1_000);
  const lab = await testEngine("embedded");
  let calls: Answers;
  try {
    calls = await fuzzCalls(await targetOf(lab), seedOfRound, 30);
    const missing = await missingSagas(lab, calls.sagaIds);
    if (missing.length > 0) throw new Error(`sagas that were accepted are not there: ${missing.join(", ")}`);
    await stillWorks(lab);
  } finally {
    await lab.close();
  }
  const errors = await messages(seedOfRound, "embedded");
  const onKafka = values.kafka ? await messages(seedOfRound, "kafka") : undefined;
  console.log(
    JSON.stringify({ seed: seedOfRound, definitions, calls: Object.fromEntries(calls.statuses), errors, onKafka }),
  );
}

async function messages(seedOfRound: number, kind: "embedded" | "kafka"): Promise<number> {
  const engine = await testEngine(kind, { domains: COURSE });
  try {
    const clients = new CourseClients(() => engine.url);
    clients.begin("before", 6);
    await clients.answered();
    return await (kind === "kafka" ? fuzzKafka(engine, seedOfRound, 400) : fuzzOutbox(engine, seedOfRound, 300));
  } finally {
    await engine.close();
  }
}
