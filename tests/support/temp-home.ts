import { chmod, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { type HomeLock, lockHome } from "../../engine/stack/home-lock.ts";
import { stopOrphan } from "../../engine/stack/java-service.ts";
import { livingHolder } from "../../engine/stack/pid-file.ts";
import { stopPostmasterOf } from "../../engine/stack/postmaster.ts";

const prefix = "ekiden-test-";

/** A home folder that is gone after `remove`. */
export interface TempHome {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new empty home. What test runs that were killed left behind is cleared away first. */
export async function tempHome(): Promise<TempHome> {
  await sweep();
  const path = await mkdtemp(join(tmpdir(), prefix));
  // Run by root, PostgreSQL's own user must be able to enter.
  await chmod(path, 0o755);
  const owned: HomeLock = await lockHome(join(path, "owner"));
  return {
    path,
    remove: async () => {
      await removeHome(path);
      await owned.release();
    },
  };
}

async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    const lock = join(path, "owner", "engine.pid");
    // A folder without a lock may be one that another run is making right now.
    if (!(await Bun.file(lock).exists()) || (await livingHolder(lock)) !== undefined) continue;
    await Promise.all([stopOrphan({ name: "connect", home: path }), stopOrphan({ name: "kafka", home: path })]);
    await removeHome(path);
  }
}

async function removeHome(path: string): Promise<void> {
  const data = await realpath(join(path, "postgres")).catch(() => undefined);
  if (data !== undefined) {
    await stopPostmasterOf(data);
    // As root the data may lie elsewhere, with only a link in the home.
    if (!data.startsWith(await realpath(path))) await rm(dirname(data), { recursive: true, force: true });
  }
  await rm(path, { recursive: true, force: true });
}
