import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import postgres from "postgres";

import type { Ring } from "./contestants.ts";
import { machine } from "./machine.ts";
import { arePeersInstalled, installPeers, nodeOfPeers, versionsOfPeers } from "./peers.ts";
import { comparePeers, inRing, OWN_SIDES, SIDES } from "./peers-bench.ts";
import { peersCharts, peersReport } from "./peers-report.ts";
import { inReadme, READMES } from "./peers-readme.ts";
import { FULL, type Plan, type Side } from "./side-by-side.ts";

const root = resolve(import.meta.dir, "..");

/** What `bun run bench peers` was asked for. */
export interface PeersOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly inFlight: number;
  /** As `Plan.tries`. */
  readonly tries: readonly number[];
  readonly foreignMax: number;
  readonly sides: readonly string[] | undefined;
  /** As it was typed, for the page. */
  readonly command: string;
  /** Keeps the page, the charts, and the table in both READMEs. */
  readonly write: boolean;
}

/** Measures all sides in one run and prints the page; the peers are installed first if they are not there. */
export async function runPeers(options: PeersOptions): Promise<void> {
  const names = options.sides ?? SIDES;
  const unknown = names.find((name) => !SIDES.includes(name));
  if (unknown !== undefined) throw new Error(`no side "${unknown}"; known: ${SIDES.join(", ")}`);
  // Said before the run, not after it.
  if (options.write && options.sides !== undefined)
    throw new Error("--write keeps a run of all sides, without --sides");
  if (names.some((name) => !OWN_SIDES.includes(name)) && !(await arePeersInstalled())) await installPeers();
  const plan: Plan = { ...FULL, ...options };
  const began = performance.now();
  const { sides, versions } = await inRing(async (ring) => ({
    versions: await versionsOf(ring),
    sides: await comparePeers(ring, names, plan, (line) => console.error(`${minutes(began)} ${line}`)),
  }));
  const page = peersReport(sides, {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    versions,
    foreignMax: options.foreignMax,
    command: options.command,
  });
  console.log(page);
  console.error(`took ${minutes(began)}`);
  if (options.write) await keep(page, sides);
}

async function keep(page: string, sides: readonly Side[]): Promise<void> {
  await Bun.write(join(import.meta.dir, "peers.md"), page);
  for (const [name, chart] of Object.entries(peersCharts(sides))) await Bun.write(join(import.meta.dir, name), chart);
  for (const readme of READMES) {
    const path = join(root, readme.file);
    await Bun.write(path, inReadme(await readFile(path, "utf8"), sides, readme));
  }
}

async function versionsOf({ postgres: server }: Ring): Promise<string> {
  const sql = postgres(server.url, { max: 1 });
  const [row] = await sql<{ server_version: string }[]>`show server_version`.finally(() => sql.end());
  const peers = await versionsOfPeers();
  const node = Bun.spawnSync([nodeOfPeers(), "--version"]).stdout.toString().trim().slice(1);
  return `PostgreSQL ${row?.server_version}, Bun ${Bun.version}, Node.js ${node}, DBOS ${peers["@dbos-inc/dbos-sdk"]}, Restate ${peers["@restatedev/restate-server"]}`;
}

function minutes(began: number): string {
  const seconds = Math.round((performance.now() - began) / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
