/**
 * `bun run bench embedded|kafka`: sagas a second, the latency of one saga on an idle engine, and CPU a saga, beside what
 * the machine allows without any engine, measured in the same run. `--write` keeps the table in `bench/<transport>.md`.
 */
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startEngineProcess, startServers } from "./engine-under-test.ts";
import { type Floor, measureFloors } from "./floors.ts";
import { overHttp, type Run, runLoad, type StartOne } from "./load.ts";
import { cpuSeconds, machineSeconds, residentMiB } from "./processes.ts";
import { type Figures, type Measured, report } from "./report.ts";

/** One saga in ten breaks the business rule of its last step, in the runs that fail. */
const LIMIT = 1_000_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sagas: { type: "string", default: "4000" },
    "in-flight": { type: "string", default: "150" },
    runs: { type: "string", default: "5" },
    write: { type: "boolean", default: false },
  },
});
const [kind] = positionals;
if (kind !== "embedded" && kind !== "kafka") {
  console.error("usage: bun run bench embedded|kafka [--sagas 4000] [--in-flight 150] [--runs 5] [--write]");
  process.exit(2);
}
const transport = kind;
const sagas = Number(values.sagas);
const inFlight = Number(values["in-flight"]);
const runs = Number(values.runs);

const servers = await startServers(transport);
try {
  const floors = await measureFloors(servers.databaseUrl, { sagas, inFlight, runs: Math.min(runs, 3) });
  const engine = await startEngineProcess(servers.environment);
  try {
    await measure(
      floors,
      overHttp(engine.url, (at) => 1_000 + at),
      overHttp(engine.url, failing),
      {
        engine: engine.pid,
        ...servers.pids,
      },
    );
  } finally {
    await engine.stop();
  }
} finally {
  await servers.stop();
}

async function measure(
  floors: readonly Floor[],
  good: StartOne,
  mixed: StartOne,
  pids: Readonly<Record<string, number>>,
): Promise<void> {
  await runLoad(good, Math.min(1_000, sagas), inFlight);
  const throughput: Measured[] = [];
  for (let run = 0; run < runs; run++)
    throughput.push(await counted(pids, sagas, () => runLoad(good, sagas, inFlight)));
  const failures = await counted(pids, sagas, () => runLoad(mixed, sagas, inFlight));
  // Quiet first: what the load left behind is not the latency of an idle engine.
  await Bun.sleep(3_000);
  const idle = await counted(pids, 300, () => runLoad(good, 300, 1));
  const figures: Figures = {
    kind: transport,
    inFlight,
    floors,
    throughput,
    failures,
    idle,
    residentMiB: residentMiB(pids["engine"] ?? 0),
  };
  const command = `bun run bench ${transport} --sagas ${sagas} --in-flight ${inFlight} --runs ${runs}`;
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  const text = report(figures, { command, machine, date: new Date().toISOString().slice(0, 10) });
  console.log(text);
  if (values.write) await Bun.write(join(import.meta.dir, `${transport}.md`), text);
}

/** Runs a load and says what each process spent on it, and what the machine spent on others meanwhile. */
async function counted(
  pids: Readonly<Record<string, number>>,
  count: number,
  load: () => Promise<Run>,
): Promise<Measured> {
  const before = Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  const ownBefore = process.cpuUsage();
  const machine = machineSeconds();
  const began = performance.now();
  const run = await load();
  const seconds = (performance.now() - began) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const spent = [
    ...before.map(([name, was]) => [name, cpuSeconds(pids[name] ?? 0) - was] as const),
    ["load", (own.user + own.system) / 1_000_000] as const,
  ];
  const foreign = machineSeconds() - machine - spent.reduce((sum, [, used]) => sum + used, 0);
  return {
    ...run,
    cpuMs: Object.fromEntries(spent.map(([name, used]) => [name, (used * 1_000) / count])),
    foreignCores: foreign / seconds,
  };
}

function failing(at: number): number {
  return at % 10 === 0 ? LIMIT + 1 : 1_000 + at;
}
