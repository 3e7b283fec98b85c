import { join } from "node:path";

import { Closing } from "../engine/closing.ts";
import { whatStarts } from "./contestants.ts";
import { type EngineProcess, type Servers, startEngineProcess, startServers } from "./engine-under-test.ts";
import { measureFloors } from "./floors.ts";
import { interruptible } from "./interruptible.ts";
import { overHttp, runLoad } from "./load.ts";
import { machine } from "./machine.ts";
import { counted, type Measured, quiet } from "./meters.ts";
import { residentMiB } from "./processes.ts";
import { type Figures, report, type Throughput, warmUpOf } from "./report.ts";

/** One saga in ten breaks the business rule of its last step, in the runs that fail. */
const LIMIT = 1_000_000;

/** What `bun run bench embedded|kafka` was asked for. */
export interface TransportOptions {
  readonly sagas: number;
  /** Sagas in flight: it is measured with each of them. */
  readonly inFlights: readonly number[];
  readonly runs: number;
  readonly write: boolean;
  /** As it was typed, for the page. */
  readonly command: string;
}

/** The roles of several processes, one each: the API, the dispatcher, and the three domains of the workload. */
const ROLES = ["api", "dispatcher", "domain:application", "domain:screening", "domain:contract"];

/** Nobody calls for so long, seconds: first for what the load has left to do, then what is spent is measured. */
const REST_S = 10;
const QUIET_S = 20;

/** Bun's client holds back what goes beyond. */
const CALLS_MAX = 256;

/** Measures one transport beside the floors, and prints the table; with `write` it is kept in `bench/<transport>.md`. */
export async function benchTransport(transport: "embedded" | "kafka", options: TransportOptions): Promise<void> {
  const { sagas, inFlights, runs, command, write } = options;
  const inFlight = Math.max(...inFlights);
  if (inFlight > CALLS_MAX) throw new Error(`at most ${CALLS_MAX} sagas in flight; \`bench peers\` can do more`);
  const figures = await interruptible(async (closing): Promise<Figures> => {
    const servers = await whatStarts(closing, startServers(transport));
    const floors = await measureFloors(servers.databaseUrl, { sagas, inFlight, runs: Math.min(runs, 3) });
    const one = await onEngines(closing, servers, ["api,dispatcher,domains"], (engines) =>
      measureOne(engines, options),
    );
    // On the embedded transport one process does the work, and a second one stands by.
    if (transport === "embedded") return { kind: transport, floors, ...one };
    const several = await onEngines(closing, servers, ROLES, (engines) => measureSeveral(engines, options));
    return { kind: transport, floors, ...one, several };
  });
  const text = report(figures, { command, machine: machine(), date: new Date().toISOString().slice(0, 10) });
  console.log(text);
  if (write) await Bun.write(join(import.meta.dir, `${transport}.md`), text);
}

/** Engines that run, of which the first one answers, with the processes whose CPU is counted. */
interface Engines {
  readonly url: string;
  readonly pids: Readonly<Record<string, number>>;
}

/** Runs `act` with a process for each of those roles. */
async function onEngines<Result>(
  closing: Closing,
  servers: Servers,
  roles: readonly string[],
  act: (engines: Engines) => Promise<Result>,
): Promise<Result> {
  const engines = new Closing();
  closing.add(() => engines.run());
  const started: EngineProcess[] = [];
  for (const role of roles) {
    const environment = { ...servers.environment, EKIDEN_RATE_LIMIT: "0", EKIDEN_ROLES: role };
    started.push(await whatStarts(engines, startEngineProcess(environment)));
  }
  const named = started.map(({ pid }, at) => [roles.length === 1 ? "engine" : (roles[at] as string), pid] as const);
  const result = await act({ url: started[0]?.url ?? "", pids: { ...Object.fromEntries(named), ...servers.pids } });
  await engines.run();
  return result;
}

async function measureOne(
  { url, pids }: Engines,
  options: TransportOptions,
): Promise<Omit<Figures, "kind" | "floors">> {
  const { sagas, inFlights } = options;
  const mixed = overHttp(url, (at) => (at % 10 === 0 ? LIMIT + 1 : 1_000 + at));
  const throughput = await measureThroughput({ url, pids }, options);
  const failures = await counted(pids, () => runLoad(mixed, sagas, Math.max(...inFlights)));
  const idle = await measureIdle({ url, pids });
  const resident = residentMiB(pids["engine"] ?? 0);
  await Bun.sleep(REST_S * 1_000);
  return { throughput, failures, idle, residentMiB: resident, quietPercent: await quiet(pids, QUIET_S) };
}

async function measureSeveral(engines: Engines, options: TransportOptions): Promise<NonNullable<Figures["several"]>> {
  const throughput = await measureThroughput(engines, options);
  return { processes: ROLES.length, throughput, idle: await measureIdle(engines) };
}

/** The runs with each number of sagas in flight, in turn, behind a warm-up. */
async function measureThroughput({ url, pids }: Engines, options: TransportOptions): Promise<readonly Throughput[]> {
  const { sagas, inFlights, runs } = options;
  const good = overHttp(url, (at) => 1_000 + at);
  const throughput = inFlights.map((inFlight) => ({ inFlight, runs: [] as Measured[] }));
  await runLoad(good, warmUpOf(sagas), Math.max(...inFlights));
  for (let run = 0; run < runs; run++)
    for (const level of throughput) level.runs.push(await counted(pids, () => runLoad(good, sagas, level.inFlight)));
  return throughput;
}

async function measureIdle({ url, pids }: Engines): Promise<Measured> {
  // Quiet first: what the load left behind is not the latency of an idle engine.
  await Bun.sleep(3_000);
  return counted(pids, () =>
    runLoad(
      overHttp(url, (at) => 1_000 + at),
      300,
      1,
    ),
  );
}
