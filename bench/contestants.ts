import postgres from "postgres";
import { join } from "node:path";

import type { Closing } from "../engine/closing.ts";
import type { RunningPostgres } from "../engine/stack/embedded-postgres.ts";
import { createBusinessTables } from "./business-tables.ts";
import { DrivenProgram } from "./driven-program.ts";
import { type EngineProcess, startEngineProcess } from "./engine-under-test.ts";
import { createFloorTables, FLOORS, type FloorName } from "./floors.ts";
import type { Run } from "./load.ts";
import type { Load } from "./timed-load.ts";
import { CONCLUDED, type WorkloadName, WORKLOADS } from "./workloads.ts";

/** One side of the comparison, running: an engine or a floor with the workload on it. */
export interface Contestant {
  readonly name: string;
  readonly title: string;
  /** Its own database on the server that all share. */
  readonly database: string;
  /** Counts there, as `sagas`, those whose effects are all there. */
  readonly ended: string;
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

/** Waits for a part that is being started; it is stopped at the end, also when that comes before it has started. */
export function whatStarts<Part extends { stop(): Promise<unknown> }>(
  closing: Closing,
  starting: Promise<Part>,
): Promise<Part> {
  closing.add(async () => (await starting.catch(() => undefined))?.stop());
  return starting;
}

/** Starts Ekiden as `bun run engine` does, with the domains of the benchmark and one of its workloads. */
export async function startEkiden(ring: Ring, workload: WorkloadName = "three"): Promise<Contestant> {
  const database = `bench_ekiden_${workload.replace("-", "_")}`;
  const engine = await startEngine(ring, await createDatabase(ring, database));
  return ekidenOn(ring, engine, database, workload);
}

/** A workload on an engine that runs already; `count`: of the definitions that it is spread over. */
export async function ekidenOn(
  ring: Ring,
  { url, pid }: EngineProcess,
  database: string,
  workload: WorkloadName,
  count?: number,
): Promise<Contestant> {
  const load = await startHttpLoad(ring, "ekiden", url, count === undefined ? workload : `${workload}:${count}`);
  return {
    name: "ekiden",
    title: "**Ekiden**, embedded",
    database,
    ended: WORKLOADS[workload].ended,
    pids: { engine: pid, load: load.pid },
    run: (given) => load.run(given),
  };
}

/** Starts an engine on a database. */
export async function startEngine(
  ring: Ring,
  databaseUrl: string,
  domains = join(import.meta.dir, "domains"),
): Promise<EngineProcess> {
  const environment = {
    DATABASE_URL: databaseUrl,
    EKIDEN_DOMAINS: domains,
    // One caller makes the whole load: the limit of a caller is not what is measured.
    EKIDEN_RATE_LIMIT: "0",
  };
  return whatStarts(ring.closing, startEngineProcess(environment));
}

/** A process that calls a server with a workload, named as http-load.ts takes it. */
export async function startHttpLoad(
  ring: Ring,
  side: "ekiden" | "restate",
  url: string,
  workload: string,
): Promise<DrivenProgram> {
  const command = [process.execPath, join(import.meta.dir, "http-load.ts"), side, url, workload];
  // Bun's client holds back what goes beyond 256 calls at a time.
  const environment = { BUN_CONFIG_MAX_HTTP_REQUESTS: "2000" };
  return whatStarts(ring.closing, DrivenProgram.start(`load of ${side}`, command, environment));
}

/** Starts a floor, a program that writes the rows of the workload and nothing else. */
export async function startFloor(ring: Ring, floor: FloorName): Promise<Contestant> {
  const database = `bench_${floor}`;
  const databaseUrl = await createDatabase(ring, database, createFloorTables);
  const command = [process.execPath, join(import.meta.dir, "floor-load.ts"), floor];
  const starting = DrivenProgram.start(`floor ${floor}`, command, { DATABASE_URL: databaseUrl });
  const program = await whatStarts(ring.closing, starting);
  return {
    name: `floor-${floor}`,
    title: `floor: ${FLOORS[floor].title}`,
    database,
    ended: CONCLUDED,
    pids: { program: program.pid },
    run: (given) => program.run(given),
  };
}

/** A database with the business tables, or with those that `create` makes. */
export async function createDatabase(
  { postgres: server, closing }: Ring,
  name: string,
  create: (sql: postgres.Sql) => Promise<void> = async () => {},
): Promise<string> {
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin`create database ${admin(name)}`.finally(() => admin.end());
  closing.add(() => dropDatabase(server.url, name));
  const address = new URL(server.url);
  address.pathname = `/${name}`;
  const sql = postgres(address.href, { max: 1, onnotice: () => {} });
  await create(sql).finally(() => sql.end());
  return address.href;
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} });
  await admin`drop database if exists ${admin(name)} with (force)`.finally(() => admin.end());
}

/** The business tables for a peer. */
export const createPeerDatabase = (ring: Ring, name: string): Promise<string> =>
  createDatabase(ring, name, createBusinessTables);
