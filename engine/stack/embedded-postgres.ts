import { mkdir, realpath } from "node:fs/promises";

import { databaseUrl, readDatabaseUrl, writeDatabaseUrl } from "./database-url.ts";
import { freePort } from "./free-port.ts";
import type { Holder } from "./pid-file.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { ensureData } from "./postgres-data.ts";
import { postgresFolder } from "./postgres-folder.ts";
import { answers, ensureDatabase } from "./postgres-readiness.ts";
import { launchPostmaster, type ServerPlan } from "./postgres-server.ts";
import { hasSettings, writeSettings } from "./postgres-settings.ts";
import { findPostmaster, removeReusedPidFile, stopPostmaster } from "./postmaster.ts";
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
    return await present(home, options.database ?? "ekiden", holder);
  } catch (error) {
    throw asFolderError(options.home, error);
  }
}

async function present(home: string, database: string, holder: Holder): Promise<RunningPostgres> {
  const stored = await readDatabaseUrl(home);
  if (stored === undefined) throw new Error(`${home}/database.url vanished while PostgreSQL was starting`);
  const address = { ...stored, database };
  await ensureDatabase(address);
  if (stored.database !== database) await writeDatabaseUrl(home, address);
  return { url: databaseUrl(address), port: address.port, pid: holder.pid, stop: () => stopPostmaster(holder) };
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
    if (launched === "data-in-use") await Bun.sleep(500);
  }
  const hint = "Stop the program that listens there, or choose another port.";
  throw new StackError("stack.port-taken", `port ${fixedPort} for PostgreSQL is taken`, hint);
}
