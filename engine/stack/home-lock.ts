import { Database, SQLiteError } from "bun:sqlite";
import { appendFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { ENGINE, type NamedHolder, livingHolder, writePidFile } from "./pid-file.ts";
import { asFolderError, StackError } from "./stack-error.ts";
import { waitUntil } from "./wait-until.ts";

/** The right to use one home folder, held until `release` or until the process dies. */
export interface HomeLock {
  release(): Promise<void>;
}

/**
 * Takes `<home>/engine.pid` for this process, which is an engine, the stack, or a command like `ekiden migrate`.
 * Throws StackError `stack.home-locked` while another process uses the home, `stack.home-unwritable`, `stack.disk-full`.
 */
export async function lockHome(home: string, program = ENGINE): Promise<HomeLock> {
  const path = join(home, "engine.pid");
  try {
    await mkdir(home, { recursive: true });
    await oneAtATime(`${path}.lock`, async () => {
      await refuseLivingHolder(home, path, program);
      await writePidFile(path, process.pid, program);
    });
  } catch (error) {
    throw asFolderError(home, error);
  }
  return { release: () => rm(path, { force: true }) };
}

async function refuseLivingHolder(home: string, path: string, program: string): Promise<void> {
  const holder = await livingHolder(path);
  if (holder !== undefined) throw locked(home, holder, program);
}

/** Each is called what it is: a command is no second engine, and what a person can do about it differs. */
function locked(home: string, { pid, program: holder }: NamedHolder, asks: string): StackError {
  const refuse = (message: string, hint: string) => new StackError("stack.home-locked", message, hint);
  if (isCommand(holder)) {
    return refuse(`\`${holder}\` (pid ${pid}) works on ${home}`, "It ends by itself: start again then.");
  }
  if (isCommand(asks)) {
    const hint = `Beside that engine: DATABASE_URL="$(cat ${join(home, "database.url")})" bun run ${asks}`;
    return refuse(`an engine (pid ${pid}) runs on ${home}`, hint);
  }
  const hint = "Stop that one first, or start this one with another EKIDEN_HOME.";
  return refuse(`another ${holder} (pid ${pid}) already runs on ${home}`, hint);
}

function isCommand(program: string): boolean {
  return program.startsWith("ekiden ");
}

/**
 * Runs `act` while no other process is in here. Looking at a dead engine's file and replacing it are two calls: with
 * eight engines started at the same instant, renaming alone let two of them win in 3 of 12 rounds.
 */
async function oneAtATime(path: string, act: () => Promise<void>): Promise<void> {
  await appendFile(path, "");
  // The lock of an SQLite file belongs to the process, so a kill -9 frees it; a lock file of ours would stay behind.
  const database = new Database(path);
  try {
    const entered = await waitUntil(async () => tryEnter(database), { timeoutMs: 10_000 });
    if (entered === undefined) throw new StackError("stack.home-locked", `${path} stays locked`, "Start one only.");
    await act();
  } finally {
    database.close();
  }
}

function tryEnter(database: Database): true | undefined {
  try {
    database.run("begin exclusive");
    return true;
  } catch (error) {
    if (error instanceof SQLiteError && error.code === "SQLITE_BUSY") return undefined;
    throw error;
  }
}
