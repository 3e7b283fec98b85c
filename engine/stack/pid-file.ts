import { readFile, rename, writeFile } from "node:fs/promises";

import { identifyProcess } from "./process-identity.ts";

/** What an engine calls itself; commands are `ekiden migrate` and the like. */
export const ENGINE = "engine";

/** One running process as a pid file remembers it. */
export interface Holder {
  readonly pid: number;
  readonly identity: string;
}

/** What it is besides; of a file that does not say, an engine. */
export interface NamedHolder extends Holder {
  readonly program: string;
}

/** Writes `pid`, its start time and what it is to `path`, replacing what was there. Throws if the process is already gone. */
export async function writePidFile(path: string, pid: number, program: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, await describe(pid, program), { mode: 0o644 });
  await rename(draft, path);
}

/** The process that wrote the file, if that very process still runs. A stale or damaged file names nobody. */
export async function livingHolder(path: string): Promise<NamedHolder | undefined> {
  const [pidLine, identity, program] = (await readFile(path, "utf8").catch(() => "")).split("\n");
  const pid = Number(pidLine);
  if (!Number.isInteger(pid) || pid <= 0 || identity === undefined) return undefined;
  return (await identifyProcess(pid)) === identity ? { pid, identity, program: program || ENGINE } : undefined;
}

async function describe(pid: number, program: string): Promise<string> {
  const identity = await identifyProcess(pid);
  if (identity === undefined) throw new Error(`process ${pid} ended before it could be recorded`);
  return `${pid}\n${identity}\n${program}\n`;
}
