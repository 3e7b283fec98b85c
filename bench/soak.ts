/**
 * `bun run soak [--minutes M] [--rate R] [--transport embedded|kafka] [--write NAME]`: looks for the knee, the rate that
 * the engine just keeps up with, holds 80 % of it, and looks every few seconds at what must not grow. `--rate` skips the
 * search. Ends with 1 when sagas are lost, the engine falls behind, or too little was done to say so. `--write` keeps table and charts in `docs/soak/`.
 */
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import postgres from "postgres";

import { startEngineProcess, startServers } from "./engine-under-test.ts";
import { OpenLoad } from "./open-load.ts";
import { Sampler } from "./soak-sample.ts";
import { chart, table } from "./soak-report.ts";
import { shortcomings } from "./soak-verdict.ts";

const FIRST_RATE = 10;
const STEP = 1.4;
const STEP_S = 12;
/** Sagas that may be open at the end of a step, as seconds of its rate. */
const BEHIND_S = 2;
const SHARE = 0.8;
/** A short soak is looked at more often. */
const SAMPLE_MS_MAX = 5_000;
const SAMPLES_MIN = 3;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    rate: { type: "string" },
    transport: { type: "string", default: "embedded" },
    write: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const transport = values.transport === "kafka" ? "kafka" : "embedded";
const hasRate = values.rate === undefined || Number(values.rate) > 0;
if (!(minutes > 0) || !hasRate || !/^(embedded|kafka)$/.test(values.transport)) {
  console.error("usage: bun run soak [--minutes 20] [--rate 100] [--transport embedded|kafka] [--write NAME]");
  process.exit(2);
}

// An interrupted soak says what it has seen so far, and leaves no server behind.
let interrupted = false;
const interrupt = () => {
  interrupted = true;
};
process.on("SIGINT", interrupt).on("SIGTERM", interrupt);

const servers = await startServers(transport);
try {
  const engine = await startEngineProcess(servers.environment);
  const sql = postgres(servers.databaseUrl, { max: 2, onnotice: () => {} });
  try {
    process.exitCode = await soak(engine, sql);
  } finally {
    await sql.end({ timeout: 5 });
    await engine.stop();
  }
} finally {
  await servers.stop();
}

async function soak(engine: { readonly url: string; readonly pid: number }, sql: postgres.Sql): Promise<number> {
  const load = new OpenLoad(engine.url);
  const knee = values.rate === undefined ? await findKnee(load, sql) : Number(values.rate) / SHARE;
  const rate = knee * SHARE;
  console.log(`holding ${rate.toFixed(0)} sagas/s for ${minutes} minutes`);
  const sampler = new Sampler(sql, engine, load);
  load.reset();
  load.run(rate);
  let missed = 0;
  const began = performance.now();
  const until = began + minutes * 60_000;
  while (performance.now() < until && !interrupted) {
    await Bun.sleep(Math.min(SAMPLE_MS_MAX, (minutes * 60_000) / SAMPLES_MIN));
    try {
      console.log(JSON.stringify(await sampler.look()));
    } catch (error) {
      // Hours are not thrown away for one look.
      missed += 1;
      console.log(`nothing was seen: ${String(error)}`);
    }
  }
  const seconds = (performance.now() - began) / 1_000;
  await load.stop();
  const left = await drained(sql);
  const { started, refused, failed, dropped } = load.counts;
  const problems = shortcomings({ rate, seconds, samples: sampler.samples.length, missed, left, ...load.counts });
  const lines = [
    `# Soak, ${transport} transport`,
    "",
    `\`bun run soak --minutes ${minutes} --transport ${transport}${values.rate === undefined ? "" : ` --rate ${values.rate}`}\`, ${new Date().toISOString().slice(0, 10)},`,
    `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}; load, engine and PostgreSQL on the same machine.`,
    "",
    values.rate === undefined
      ? `Knee ${knee.toFixed(0)} sagas/s; held ${rate.toFixed(0)}.`
      : `Held ${rate.toFixed(0)}.`,
    `${started} sagas accepted, ${refused} starts refused, ${dropped} not sent since too many were without an answer, ${failed} calls failed, ${left} sagas open a minute after the end.`,
    "",
    table(sampler.samples),
    ...problems.map((problem) => `\n**This soak has failed: ${problem}.**`),
  ];
  const text = `${lines.join("\n")}\n`;
  console.log(text);
  if (values.write !== undefined) await write(values.write, text, sampler);
  return problems.length === 0 ? 0 : 1;
}

async function write(name: string, text: string, sampler: Sampler): Promise<void> {
  const folder = join(import.meta.dir, "../docs/soak");
  const charts = [];
  for (const { key, title } of Sampler.SERIES) {
    await Bun.write(join(folder, `${name}-${key}.svg`), chart(title, sampler.samples, key));
    charts.push(`![${title}](${name}-${key}.svg)`);
  }
  await Bun.write(join(folder, `${name}.md`), `${text}\n${charts.join("\n")}\n`);
}

/** The highest rate that the engine kept up with, where it falls behind the next one twice in a row. */
async function findKnee(load: OpenLoad, sql: postgres.Sql): Promise<number> {
  const keeps = async (rate: number) => (await keepsUp(load, sql, rate)) || (await keepsUp(load, sql, rate));
  let rate = FIRST_RATE;
  if (await keeps(rate)) {
    while (!interrupted && (await keeps(rate * STEP))) rate *= STEP;
    return rate;
  }
  do rate /= STEP;
  while (!interrupted && !(await keeps(rate)));
  return rate;
}

async function keepsUp(load: OpenLoad, sql: postgres.Sql, rate: number): Promise<boolean> {
  load.reset();
  load.run(rate);
  await Bun.sleep(STEP_S * 1_000);
  const open = await openSagas(sql);
  const { started } = load.counts;
  await load.stop();
  const keptUp = open < rate * BEHIND_S && started > rate * STEP_S * 0.9;
  console.log(`${rate.toFixed(0)} sagas/s: ${started} accepted, ${open} open${keptUp ? "" : ", falls behind"}`);
  await drained(sql);
  return keptUp;
}

async function openSagas(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ open: number }[]>`select count(*)::integer as open from timeline.saga_open`;
  return row?.open ?? 0;
}

/** Waits up to a minute for what is open to end; returns what is left. */
async function drained(sql: postgres.Sql): Promise<number> {
  const until = performance.now() + 60_000;
  for (;;) {
    const open = await openSagas(sql);
    if (open === 0 || performance.now() > until) return open;
    await Bun.sleep(200);
  }
}
