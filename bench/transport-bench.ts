import { join } from "node:path";

import { startEngineProcess, startServers } from "./engine-under-test.ts";
import { type Floor, measureFloors } from "./floors.ts";
import { overHttp, runLoad } from "./load.ts";
import { machine } from "./machine.ts";
import { counted, type Measured } from "./meters.ts";
import { residentMiB } from "./processes.ts";
import { type Figures, report } from "./report.ts";

/** One saga in ten breaks the business rule of its last step, in the runs that fail. */
const LIMIT = 1_000_000;

/** What `bun run bench embedded|kafka` was asked for. */
export interface TransportOptions {
  readonly sagas: number;
  readonly inFlight: number;
  readonly runs: number;
  readonly write: boolean;
}

/** Measures one transport beside the floors, and prints the table; with `write` it is kept in `bench/<transport>.md`. */
export async function benchTransport(transport: "embedded" | "kafka", options: TransportOptions): Promise<void> {
  const { sagas, inFlight, runs, write } = options;
  const servers = await startServers(transport);
  try {
    const floors = await measureFloors(servers.databaseUrl, { sagas, inFlight, runs: Math.min(runs, 3) });
    const engine = await startEngineProcess({ ...servers.environment, EKIDEN_RATE_LIMIT: "0" });
    try {
      const figures = await measure(transport, floors, engine.url, { engine: engine.pid, ...servers.pids }, options);
      const command = `bun run bench ${transport} --sagas ${sagas} --in-flight ${inFlight} --runs ${runs}`;
      const text = report(figures, { command, machine: machine(), date: new Date().toISOString().slice(0, 10) });
      console.log(text);
      if (write) await Bun.write(join(import.meta.dir, `${transport}.md`), text);
    } finally {
      await engine.stop();
    }
  } finally {
    await servers.stop();
  }
}

async function measure(
  kind: "embedded" | "kafka",
  floors: readonly Floor[],
  url: string,
  pids: Readonly<Record<string, number>>,
  { sagas, inFlight, runs }: TransportOptions,
): Promise<Figures> {
  const good = overHttp(url, (at) => 1_000 + at);
  const mixed = overHttp(url, (at) => (at % 10 === 0 ? LIMIT + 1 : 1_000 + at));
  await runLoad(good, Math.min(1_000, sagas), inFlight);
  const throughput: Measured[] = [];
  for (let run = 0; run < runs; run++) throughput.push(await counted(pids, () => runLoad(good, sagas, inFlight)));
  const failures = await counted(pids, () => runLoad(mixed, sagas, inFlight));
  // Quiet first: what the load left behind is not the latency of an idle engine.
  await Bun.sleep(3_000);
  const idle = await counted(pids, () => runLoad(good, 300, 1));
  return { kind, inFlight, floors, throughput, failures, idle, residentMiB: residentMiB(pids["engine"] ?? 0) };
}
