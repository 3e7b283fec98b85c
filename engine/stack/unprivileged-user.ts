import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";

import { StackError } from "./stack-error.ts";

const run = promisify(execFile);

/** Whom PostgreSQL runs as. Both undefined: as ourselves, which it accepts from everybody but root. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Picks the user for PostgreSQL: ourselves, or for root the owner of `data`, else `postgres`, else `nobody`.
 * Throws StackError `stack.no-unprivileged-user`.
 */
export async function serverUser(data: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(data).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  // Named users only: initdb looks its own user up and refuses a number without a name.
  const user = (await lookUp("postgres")) ?? (await lookUp("nobody"));
  if (user !== undefined) return user;
  const hint = "Run the engine as another user than root, or add a user named postgres.";
  const message = "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody";
  throw new StackError("stack.no-unprivileged-user", message, hint);
}

/** Whether `user` can read `path`, asked of the system itself so that every folder above and every rule counts. */
export async function canRead(user: ServerUser, path: string): Promise<boolean> {
  return run("/bin/sh", ["-c", 'test -r "$1"', "sh", path], { cwd: "/", ...user }).then(
    () => true,
    () => false,
  );
}

async function lookUp(name: string): Promise<ServerUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}
