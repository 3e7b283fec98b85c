import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { type DatabaseAddress, readDatabaseUrl, writeDatabaseUrl } from "./database-url.ts";
import type { PostgresFolder } from "./postgres-folder.ts";
import { diskFull, StackError } from "./stack-error.ts";
import { initdbOptions } from "./stack-settings.ts";
import type { ServerUser } from "./unprivileged-user.ts";

/**
 * Makes the data folder on first use and returns the address stored with it (its port may be taken by now).
 * Throws StackError `stack.disk-full`, `stack.platform-missing`, `stack.initdb-failed`, `stack.data-version`,
 * `stack.password-lost`.
 */
export async function ensureData(home: string, folder: PostgresFolder, binaries: string): Promise<DatabaseAddress> {
  const version = await readFile(join(folder.data, "PG_VERSION"), "utf8").catch(() => undefined);
  if (version === undefined) return createData(home, folder, binaries);
  if (version.trim() !== "18") {
    const hint = "Dump it with that version's pg_dump, or start with another EKIDEN_HOME.";
    throw new StackError("stack.data-version", `${folder.data} is of PostgreSQL ${version.trim()}, not 18`, hint);
  }
  const address = await readDatabaseUrl(home);
  if (address !== undefined) return address;
  throw passwordLost(home);
}

/** The file that holds the password is missing, or holds another one than it did. */
export function passwordLost(home: string): StackError {
  const hint = "Put the file back from a copy, or remove the data folder to start with an empty database.";
  return new StackError("stack.password-lost", `${home}/database.url is gone, and the password with it`, hint);
}

async function createData(home: string, folder: PostgresFolder, binaries: string): Promise<DatabaseAddress> {
  const address = { password: randomBytes(24).toString("hex"), port: 0, database: "postgres" };
  // Under its final name the folder is complete: an interrupted initdb leaves only a draft, and that is thrown away.
  const draft = `${folder.data}.new`;
  const passwordFile = `${folder.data}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  try {
    await writeFile(passwordFile, address.password, { mode: 0o600 });
    await chmod(passwordFile, 0o600);
    await giveTo(folder.user, draft, passwordFile);
    await initdb(binaries, folder.user, draft, passwordFile);
    await writeDatabaseUrl(home, address);
    await rename(draft, folder.data);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
  return address;
}

async function giveTo({ uid, gid }: ServerUser, ...paths: string[]): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  for (const path of paths) await chown(path, uid, gid);
}

async function initdb(binaries: string, user: ServerUser, data: string, passwordFile: string): Promise<void> {
  const options = ["--pgdata", data, "--username=postgres", `--pwfile=${passwordFile}`, ...initdbOptions];
  const child = spawn(join(binaries, "bin", "initdb"), options, {
    ...user,
    cwd: "/",
    env: { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C" },
    // As the server's: a Ctrl-C is the engine's to heed, or the folder would seem impossible to make.
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const exitCode = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      complaints += error.message;
      resolve(127);
    });
    child.on("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  if (exitCode !== 0) throw initdbError(dirname(data), complaints);
}

function initdbError(folder: string, complaints: string): StackError {
  if (/No space left on device|Disk quota exceeded/.test(complaints)) return diskFull(folder, complaints);
  if (/error while loading shared libraries|ENOENT|Library not loaded|GLIBC/.test(complaints)) {
    const hint = "Use a glibc Linux (not musl), or set DATABASE_URL to your own PostgreSQL 18.";
    return new StackError("stack.platform-missing", `PostgreSQL cannot run here: ${lastLine(complaints)}`, hint);
  }
  const hint = "initdb could not create the data folder; the message names the reason.";
  return new StackError("stack.initdb-failed", `initdb failed: ${lastLine(complaints)}`, hint);
}

function lastLine(text: string): string {
  // initdb ends by telling that it removed its draft; the reason stands in the last line that says error or fatal.
  const lines = text.trim().split("\n");
  return lines.findLast((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? "no message";
}
