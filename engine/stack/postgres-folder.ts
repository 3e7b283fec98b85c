import { createHash } from "node:crypto";
import { lstat, mkdir, readlink, realpath, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { stopPostmasterOf } from "./postmaster.ts";
import { StackError } from "./stack-error.ts";
import { canRead, type ServerUser, serverUser } from "./unprivileged-user.ts";

/** Where one home's server keeps its data, and who runs it. */
export interface PostgresFolder {
  readonly user: ServerUser;
  readonly data: string;
  /** A folder that the server's user can enter, for a copy of the binaries. */
  readonly binaries: string;
}

/**
 * `<home>/postgres`, or what it links to. Run by root, the data moves under /var/lib when the server's unprivileged
 * user cannot enter the home (a checkout below /root), and `<home>/postgres` becomes a link to it.
 */
export async function postgresFolder(home: string): Promise<PostgresFolder> {
  const inHome = join(home, "postgres");
  const linked = await readlink(inHome).catch(() => undefined);
  const user = await serverUser(linked ?? inHome);
  if (user.uid === undefined) return { user, data: linked ?? inHome, binaries: home };
  const root = await rootFolder(user);
  if (linked !== undefined) return { user, data: linked, binaries: root };
  if (await canRead(user, home)) return { user, data: inHome, binaries: root };
  return { user, data: await moveOut(home, inHome, root), binaries: root };
}

async function moveOut(home: string, inHome: string, root: string): Promise<string> {
  const path = await realpath(home);
  const name = `${basename(dirname(path))}-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
  const data = join(root, name, "postgres");
  if (await lstat(inHome).catch(() => undefined)) {
    const hint = `Move it to ${data}, owner kept, and leave a link in its place; or start with another EKIDEN_HOME.`;
    throw new StackError("stack.home-unreachable", `PostgreSQL's user can no longer enter ${inHome}`, hint);
  }
  // No link left, so its owner threw the home away: what an earlier one of this name left behind goes with it.
  await stopPostmasterOf(data);
  await rm(join(root, name), { recursive: true, force: true });
  await mkdir(join(root, name), { recursive: true, mode: 0o755 });
  await symlink(data, inHome);
  return data;
}

async function rootFolder(user: ServerUser): Promise<string> {
  for (const folder of ["/var/lib/ekiden", join(tmpdir(), "ekiden-root")]) {
    await mkdir(folder, { recursive: true, mode: 0o755 }).catch(() => undefined);
    const owner = await stat(folder).catch(() => undefined);
    // A folder of that name in the temp dir that somebody else made could be swapped under us.
    if (owner?.uid === 0 && (await canRead(user, folder))) return folder;
  }
  const hint = "Run the engine as another user than root, or make /var/lib/ekiden writable.";
  throw new StackError("stack.home-unwritable", "no folder for PostgreSQL that its unprivileged user can enter", hint);
}
