import postgres from "postgres";
import { join } from "node:path";

import type { Closing } from "../engine/closing.ts";
import type { RunningPostgres } from "../engine/stack/embedded-postgres.ts";
import { createBusinessTables } from "./business-tables.ts";
import { DrivenProgram } from "./driven-program.ts";
import { startEngineProcess } from "./engine-under-test.ts";
import { createFloorTables, FLOORS, type FloorName } from "./floors.ts";
import type { Run } from "./load.ts";
import type { Load } from "./timed-load.ts";
import type { WorkloadName } from "./workloads.ts";

/** One side of the comparison, running: an engine or a floor with the workload on it. */
export interface Contestant {
  readonly name: string;
  readonly title: string;
  /** Its own database on the server that all share. */
  readonly database: string;
  /** Its processes by what they are, without PostgreSQL's. */
  readonly pids: Readonly<Record<string, number>>;
  run(load: Load): Promise<Run>;
}

/** Where contestants are started, and who stops them. */
export interface Ring {
  readonly postgres: RunningPostgres;
  /** A folder for what a contestant keeps outside PostgreSQL. */
  readonly home: string;
  readonly closing: Closing;
}

/** Starts Ekiden as `bun run engine` does, with the domains of the benchmark. */
export async function startEkiden(ring: Ring, domains = join(import.meta.dir, "domains")): Promise<EkidenContestant> {
  const databaseUrl = await createDatabase(ring, "bench_ekiden");
  const engine = await startEngineProcess({
    DATABASE_URL: databaseUrl,
    EKIDEN_DOMAINS: domains,
    // One caller makes the whole load: the limit of a caller is not what is measured.
    EKIDEN_RATE_LIMIT: "0",
  });
  ring.closing.add(() => engine.stop());
  const load = await startHttpLoad(ring, "ekiden", engine.url, "three");
  return {
    name: "ekiden",
    title: "**Ekiden**, embedded",
    database: "bench_ekiden",
    databaseUrl,
    url: engine.url,
    pids: { engine: engine.pid, load: load.pid },
    run: (given) => load.run(given),
  };
}

/** Ekiden, with what its variants need besides. */
export interface EkidenContestant extends Contestant {
  readonly url: string;
  readonly databaseUrl: string;
}

/** A process that calls a server with a workload. */
export async function startHttpLoad(
  ring: Ring,
  side: "ekiden" | "restate",
  url: string,
  workload: WorkloadName,
): Promise<DrivenProgram> {
  const command = [process.execPath, join(import.meta.dir, "http-load.ts"), side, url, workload];
  // Bun's client holds back what goes beyond 256 calls at a time.
  const load = await DrivenProgram.start(`load of ${side}`, command, { BUN_CONFIG_MAX_HTTP_REQUESTS: "2000" });
  ring.closing.add(() => load.stop());
  return load;
}

/** Starts a floor, a program that writes the rows of the workload and nothing else. */
export async function startFloor(ring: Ring, floor: FloorName): Promise<Contestant> {
  const database = `bench_${floor}`;
  const databaseUrl = await createDatabase(ring, database, createFloorTables);
  const command = [process.execPath, join(import.meta.dir, "floor-load.ts"), floor];
  const program = await DrivenProgram.start(`floor ${floor}`, command, { DATABASE_URL: databaseUrl });
  ring.closing.add(() => program.stop());
  return {
    name: `floor-${floor}`,
    title: `floor: ${FLOORS[floor].title}`,
    database,
    pids: { program: program.pid },
    run: (given) => program.run(given),
  };
}

/** A database with the business tables, or with those that `create` makes. */
export async function createDatabase(
  { postgres: server }: Ring,
  name: string,
  create: (sql: postgres.Sql) => Promise<void> = async () => {},
): Promise<string> {
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin`create database ${admin(name)}`.finally(() => admin.end());
  const address = new URL(server.url);
  address.pathname = `/${name}`;
  const sql = postgres(address.href, { max: 1, onnotice: () => {} });
  await create(sql).finally(() => sql.end());
  return address.href;
}

/** The business tables for a peer. */
export const createPeerDatabase = (ring: Ring, name: string): Promise<string> =>
  createDatabase(ring, name, createBusinessTables);
