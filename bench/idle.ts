/**
 * `bun run bench:idle`: how long a warm start takes until the engine is ready, and what an idle engine costs, with the
 * embedded transport and the example domains. Prints a table and writes bench/idle.md. Linux only: it reads /proc.
 */
import { realpath, rm } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";

import { postgresFolder } from "../engine/stack/postgres-folder.ts";
import { findPostmaster } from "../engine/stack/postmaster.ts";
import { benchHome, type EngineProcess, startEngineProcess } from "./engine-under-test.ts";
import { cpuSeconds, machineSeconds, ownSeconds, residentMiB } from "./processes.ts";

const root = resolve(import.meta.dir, "..");
const WARM_STARTS = 9;
const SETTLE_MS = 15_000;
/** How the table says it; the program then ends with 1. */
const MISSED = "**missed**";
const IDLE_MS = 90_000;
const SAMPLE_MS = 5_000;
const READY_MAX_S = 3;
const RESIDENT_MAX_MIB = 150;
const CPU_MAX_PERCENT = 1;

interface Idle {
  readonly resident: readonly number[];
  /** Percent of one core. */
  readonly engine: number;
  /** Of a bare program beside it (idle-baseline.ts), in the same seconds. */
  readonly bare: number;
  readonly postgres: number;
  readonly machine: number;
  readonly seconds: number;
}

/** `cpuMs`: what engine and PostgreSQL spent until then; unlike the time, it hardly depends on what else runs. */
interface Start {
  readonly engine: EngineProcess;
  readonly ms: number;
  readonly cpuMs: number;
}

/** Starts the engine on its home and resolves when `/health/ready` says 200; milliseconds since the process was spawned. */
async function startUntilReady(home: string): Promise<Start> {
  const began = performance.now();
  const engine = await startEngineProcess({ EKIDEN_HOME: home, EKIDEN_DOMAINS: join(root, "domains") });
  while (!(await fetch(`${engine.url}/health/ready`)).ok) await Bun.sleep(10);
  return { engine, ms: performance.now() - began, cpuMs: cpuSeconds(engine.pid) * 1000 };
}

async function idleCost(engine: EngineProcess, postmaster: number, bare: number): Promise<Idle> {
  await Bun.sleep(SETTLE_MS);
  const spent = () => [ownSeconds(engine.pid), ownSeconds(bare), cpuSeconds(postmaster), machineSeconds()];
  const before = spent();
  const began = performance.now();
  const resident: number[] = [];
  while (performance.now() - began < IDLE_MS) {
    await Bun.sleep(SAMPLE_MS);
    resident.push(residentMiB(engine.pid));
  }
  const seconds = (performance.now() - began) / 1000;
  const shares = spent().map((value, at) => ((value - (before[at] ?? 0)) / seconds) * 100);
  const [own = 0, ofBare = 0, postgres = 0, machine = 0] = shares;
  return { resident, engine: own, bare: ofBare, postgres, machine, seconds };
}

async function postmasterOf(home: string): Promise<number> {
  const { data } = await postgresFolder(await realpath(home));
  const holder = await findPostmaster(data);
  if (holder === undefined) throw new Error(`no PostgreSQL runs on ${data}`);
  return holder.pid;
}

function spread(values: readonly number[]): { readonly median: number; readonly min: number; readonly max: number } {
  const sorted = [...values].sort((left, right) => left - right);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  };
}

function report(cold: number, warm: readonly Start[], idle: Idle): string {
  const ready = spread(warm.map(({ ms }) => ms / 1000));
  const cpu = spread(warm.map(({ cpuMs }) => cpuMs / 1000));
  const resident = spread(idle.resident);
  const verdict = (good: boolean) => (good ? "kept" : MISSED);
  const [core] = cpus();
  return `# An idle engine, and its start

Written by \`bun run bench:idle\` on ${new Date().toISOString().slice(0, 10)}: ${core?.model.trim()}, ${cpus().length} cores,
${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Bun ${Bun.version}. Embedded transport and PostgreSQL, the five example domains.

| | measured | mark | |
|---|---|---|---|
| ready after a warm start, median of ${warm.length} | ${ready.median.toFixed(2)} s (${ready.min.toFixed(2)} to ${ready.max.toFixed(2)}) | ≤ ${READY_MAX_S} s | ${verdict(ready.median <= READY_MAX_S)} |
| CPU until then, engine and PostgreSQL | ${cpu.median.toFixed(2)} s (${cpu.min.toFixed(2)} to ${cpu.max.toFixed(2)}) | | |
| resident memory of the engine, idle | ${resident.median.toFixed(0)} MiB (${resident.min.toFixed(0)} to ${resident.max.toFixed(0)}) | ≤ ${RESIDENT_MAX_MIB} MB | ${verdict(resident.max * 1.048576 <= RESIDENT_MAX_MIB)} |
| CPU of the engine, idle | ${idle.engine.toFixed(2)} % of a core | < ${CPU_MAX_PERCENT} % | ${verdict(idle.engine < CPU_MAX_PERCENT)} |
| CPU of a bare Bun program beside it that asks \`select 1\` four times a second | ${idle.bare.toFixed(2)} % of a core | | |
| CPU of the PostgreSQL of both | ${idle.postgres.toFixed(2)} % of a core | | |

Warm: the data folder exists; the time runs from the spawn of the process to 200 of \`/health/ready\`, PostgreSQL's start
included. The very first start, which makes the data folder, took ${(cold / 1000).toFixed(1)} s. Idle: ${idle.seconds.toFixed(0)} s, ${SETTLE_MS / 1000} s after
the last start, no requests; meanwhile the whole machine spent ${idle.machine.toFixed(0)} % of a core on everything.
`;
}

const home = await benchHome();
let running: EngineProcess | undefined;
let bare: Bun.Subprocess | undefined;
const stop = async () => {
  bare?.kill();
  await bare?.exited;
  await running?.stop();
  await rm(home, { recursive: true, force: true });
};
process.on("SIGINT", () => void stop().then(() => process.exit(130)));
try {
  const cold = await startUntilReady(home);
  await cold.engine.stop();
  const warm: Start[] = [];
  for (let start = 1; start <= WARM_STARTS; start++) {
    await running?.stop();
    warm.push(await startUntilReady(home));
    running = warm.at(-1)?.engine;
  }
  bare = Bun.spawn([process.execPath, join(import.meta.dir, "idle-baseline.ts")], {
    env: { ...process.env, DATABASE_URL: await Bun.file(join(home, "database.url")).text() },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const idle = await idleCost(running as EngineProcess, await postmasterOf(home), bare.pid);
  const text = report(cold.ms, warm, idle);
  console.log(text);
  await Bun.write(join(import.meta.dir, "idle.md"), text);
  if (text.includes(MISSED)) process.exitCode = 1;
} finally {
  await stop();
}
