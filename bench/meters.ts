import type postgres from "postgres";

import type { Run } from "./load.ts";
import { cpuSeconds, machineSeconds } from "./processes.ts";

/** A run with what the processes spent: milliseconds of CPU a saga, and cores that other programs took meanwhile. */
export interface Measured extends Run {
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly foreignCores: number;
}

/** Runs a load and says what each process spent on it, and what the machine spent on others meanwhile. */
export async function counted(
  pids: Readonly<Record<string, number>>,
  load: () => Promise<Run>,
  own: "load" | "bench" = "load",
): Promise<Measured> {
  const before = Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  const ownBefore = process.cpuUsage();
  const machine = machineSeconds();
  const began = performance.now();
  const run = await load();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(ownBefore);
  const ownSpent = (user + system) / 1_000_000;
  const spent = before.map(([name, was]) => [name, Math.max(0, cpuSeconds(pids[name] ?? 0) - was)] as const);
  const ofLoad = own === "load" ? [["load", ownSpent] as const] : [];
  const foreign = machineSeconds() - machine - ownSpent - spent.reduce((sum, [, used]) => sum + used, 0);
  return {
    ...run,
    cpuMs: Object.fromEntries([...spent, ...ofLoad].map(([name, used]) => [name, (used * 1_000) / run.sagas])),
    foreignCores: foreign / seconds,
  };
}

/** What each process spends while nobody calls, in percent of a core, over so many seconds. */
export async function quiet(
  pids: Readonly<Record<string, number>>,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  const spent = () => Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  const before = new Map(spent());
  const began = performance.now();
  await Bun.sleep(seconds * 1_000);
  const share = 100_000 / (performance.now() - began);
  return Object.fromEntries(spent().map(([name, now]) => [name, (now - (before.get(name) ?? now)) * share]));
}

/** Where PostgreSQL's log has got to, in bytes. */
export async function walPosition(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ at: number }[]>`select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as at`;
  return row?.at ?? 0;
}

/** What PostgreSQL has counted in a database since it was made. */
export interface Counters {
  readonly commits: number;
  /** Rows inserted, updated and deleted. */
  readonly rowWrites: number;
}

/** A session that has nothing to do tells its counts within ten seconds. */
export const COUNTS_TOLD_MS = 11_000;

export async function readCounters(sql: postgres.Sql, database: string): Promise<Counters> {
  const [row] = await sql<Counters[]>`
    select xact_commit::float8 as commits, (tup_inserted + tup_updated + tup_deleted)::float8 as "rowWrites"
    from pg_stat_database where datname = ${database}
  `;
  return row ?? { commits: 0, rowWrites: 0 };
}
