import { readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Holder } from "./pid-file.ts";
import { commandLineOf, identifyProcess } from "./process-identity.ts";
import { StackError } from "./stack-error.ts";
import { stopProcess } from "./stop-process.ts";

/** The postmaster that runs on the data folder `data` now, whoever started it. */
export async function findPostmaster(data: string): Promise<Holder | undefined> {
  const pid = await recordedPid(data);
  const identity = pid === undefined ? undefined : await identifyProcess(pid);
  if (pid === undefined || identity === undefined) return undefined;
  return (await isPostmasterOf(pid, data)) ? { pid, identity } : undefined;
}

/** Fast shutdown of `holder`: sessions are ended and a checkpoint is written; without one if that takes too long. */
export async function stopPostmaster(holder: Holder): Promise<void> {
  const stopped = await stopProcess(holder, [
    { signal: "SIGINT", graceMs: 20_000 },
    { signal: "SIGQUIT", graceMs: 5_000 },
    { signal: "SIGKILL", graceMs: 5_000 },
  ]);
  if (stopped) return;
  const hint = `Look at \`ps -p ${holder.pid}\`; a process that ignores SIGKILL waits for its disk.`;
  throw new StackError("stack.postgres-unstoppable", `PostgreSQL (pid ${holder.pid}) does not stop`, hint);
}

/** Stops the postmaster of `data`, if there is one. */
export async function stopPostmasterOf(data: string): Promise<void> {
  const holder = await findPostmaster(data);
  if (holder !== undefined) await stopPostmaster(holder);
}

/**
 * Removes a postmaster.pid whose pid now belongs to another program: PostgreSQL would take that one for a postmaster.
 * A file with a dead pid stays: PostgreSQL needs it to see whether backends of the dead server still run.
 */
export async function removeReusedPidFile(data: string): Promise<void> {
  const pid = await recordedPid(data);
  if (pid === undefined || (await identifyProcess(pid)) === undefined) return;
  if (!(await isPostmasterOf(pid, data))) await rm(join(data, "postmaster.pid"), { force: true });
}

async function recordedPid(data: string): Promise<number | undefined> {
  const [line] = (await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const pid = Number(line);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  const command = await commandLineOf(pid);
  return command.includes("postgres") && command.includes(await realpath(data));
}
