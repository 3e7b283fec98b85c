import { existsSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";

import { type DatabaseAddress, databaseUrl, readDatabaseUrl, writeDatabaseUrl } from "./database-url.ts";
import { freePort } from "./free-port.ts";
import type { Holder } from "./pid-file.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { ensureData, passwordLost } from "./postgres-data.ts";
import { postgresFolder } from "./postgres-folder.ts";
import { answers, ensureDatabase } from "./postgres-readiness.ts";
import { type LaunchObstacle, launchPostmaster, type ServerPlan } from "./postgres-server.ts";
import { hasSettings, writeSettings } from "./postgres-settings.ts";
import { findPostmaster, removeReusedPidFile, stopPostmaster } from "./postmaster.ts";
import { identifyProcess } from "./process-identity.ts";
import { asFolderError, StackError } from "./stack-error.ts";

/** What to start. `port` 0 or missing: the port of last time, or any free one. */
export interface EmbeddedPostgresOptions {
  readonly home: string;
  readonly port?: number;
  /** Created if it is missing; `ekiden` by default. */
  readonly database?: string;
  /** Server settings beyond ours, as in postgresql.conf. */
  readonly settings?: Record<string, string>;
}

/** A server that answers queries. `stop` ends its sessions, waits for the last checkpoint and for its exit. */
export interface RunningPostgres {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Whether the process is there; it may be silent all the same. */
  runs(): Promise<boolean>;
  /**
   * Starts it anew after it has ended: on the same data, at the address that its clients have. Never an empty one.
   * Throws StackError with `stack.*`.
   */
  startAgain(): Promise<RunningPostgres>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 under `<home>/postgres`, or adopts the one that a killed engine left running there.
 * The caller holds the home's lock. Throws StackError with `stack.*`.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<RunningPostgres> {
  try {
    await mkdir(options.home, { recursive: true });
    // The server is found again by the path on its command line, so that path has one spelling only.
    const home = await realpath(options.home);
    const folder = await postgresFolder(home);
    const binaries = await postgresBinaries(folder.user, folder.binaries);
    const address = await ensureData(home, folder, binaries);
    const plan = { ...folder, home, binaries, settings: options.settings ?? {} };
    const holder = (await adopt(plan, options.port)) ?? (await launch(plan, options.port, address.port));
    return await present(plan, options.database ?? "ekiden", holder);
  } catch (error) {
    throw asFolderError(options.home, error);
  }
}

async function present(plan: ServerPlan, database: string, holder: Holder): Promise<RunningPostgres> {
  const { home } = plan;
  const stored = await readDatabaseUrl(home);
  if (stored === undefined) throw new Error(`${home}/database.url vanished while PostgreSQL was starting`);
  const address = { ...stored, database };
  await ensureDatabase(address);
  if (stored.database !== database) await writeDatabaseUrl(home, address);
  return running(plan, address, holder);
}

function running(plan: ServerPlan, address: DatabaseAddress, holder: Holder): RunningPostgres {
  return {
    url: databaseUrl(address),
    port: address.port,
    pid: holder.pid,
    runs: async () => (await identifyProcess(holder.pid)) === holder.identity,
    startAgain: async () => running(plan, address, await launchAgain(plan, address)),
    stop: () => stopPostmaster(holder),
  };
}

/** Only what is there as it was is started: data or a password that were made anew would be another, empty database. */
async function launchAgain(plan: ServerPlan, { port, password }: DatabaseAddress): Promise<Holder> {
  try {
    if (!existsSync(join(plan.data, "PG_VERSION"))) {
      const hint = "Put it back from a backup, or start the engine again to begin with an empty database.";
      throw new StackError("stack.postgres-failed", `the data folder ${plan.data} is gone`, hint);
    }
    if ((await readDatabaseUrl(plan.home))?.password !== password) throw passwordLost(plan.home);
    return (await restarted(plan, port)) ?? (await launch(plan, port));
  } catch (error) {
    throw asFolderError(plan.home, error);
  }
}

/**
 * The server that somebody else has started on the data meanwhile, as `pg_ctl restart` does: it must not be taken for a
 * stranger on our port. One that does not answer yet is waited for.
 */
async function restarted(plan: ServerPlan, port: number): Promise<Holder | undefined> {
  const found = await findPostmaster(plan.data);
  if (found === undefined) return undefined;
  const address = await readDatabaseUrl(plan.home);
  if (address !== undefined && (await answers({ ...address, port }, 10_000))) return found;
  const hint = `Look at \`ps -p ${found.pid}\`: it was not started by the engine, and should listen on port ${port}.`;
  throw new StackError("stack.data-in-use", `a PostgreSQL (pid ${found.pid}) on ${plan.data} does not answer`, hint);
}

/** An orphan is kept if it is what we would start anyway and still answers; any other is stopped. */
async function adopt(plan: ServerPlan, port = 0): Promise<Holder | undefined> {
  const orphan = await findPostmaster(plan.data);
  const address = await readDatabaseUrl(plan.home);
  if (orphan === undefined || address === undefined) return undefined;
  const wanted = port === 0 || port === address.port;
  if (wanted && (await hasSettings(plan, address.port)) && (await answers(address, 10_000))) return orphan;
  await stopPostmaster(orphan);
  return undefined;
}

async function launch(plan: ServerPlan, fixedPort = 0, lastPort = 0): Promise<Holder> {
  await removeReusedPidFile(plan.data);
  let obstacle: LaunchObstacle = "port-taken";
  // Another program may take the port between our look and PostgreSQL's bind, so a port of our choice is tried anew.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = (await freePort(fixedPort || lastPort)) ?? (fixedPort === 0 ? await freePort() : undefined);
    if (port === undefined) break;
    const address = await readDatabaseUrl(plan.home);
    if (address === undefined) break;
    await writeDatabaseUrl(plan.home, { ...address, port });
    await writeSettings(plan, port);
    const launched = await launchPostmaster(plan, { ...address, port });
    if (typeof launched === "object") return launched;
    obstacle = launched;
    if (launched === "data-in-use") await Bun.sleep(500);
  }
  if (obstacle === "data-in-use") {
    const hint = "They end when their statements do: start again then.";
    throw new StackError("stack.data-in-use", `sessions of a killed PostgreSQL still run on ${plan.data}`, hint);
  }
  const hint = "Stop the program that listens there, or choose another port.";
  throw new StackError("stack.port-taken", `port ${fixedPort} for PostgreSQL is taken`, hint);
}
