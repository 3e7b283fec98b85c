import { chmod, mkdtemp, open, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { stopOrphan } from "../../../engine/stack/java-service.ts";
import { stopPostmasterOf } from "../../../engine/stack/postmaster.ts";

const PREFIX = "ekiden-disk-";

/** A folder on a disk of its own where one can be had: then it can be filled up. */
export class Disk {
  private constructor(
    readonly path: string,
    /** Whether it has an end of its own: without root there is none, and a full disk would be everybody's. */
    readonly isSmall: boolean,
  ) {}

  /** An empty one. Those that killed runs left behind are cleared away first. */
  static async mount(sizeMb: number): Promise<Disk> {
    await sweep();
    const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
    await chmod(path, 0o755);
    const mounted = await Bun.$`mount -t tmpfs -o size=${sizeMb}m,mode=755 tmpfs ${path}`.quiet().nothrow();
    return new Disk(path, mounted.exitCode === 0);
  }

  /** Takes all that is left. */
  async fill(): Promise<void> {
    if (!this.isSmall) throw new Error(`${this.path} is no disk of its own`);
    const { bavail, bsize } = await statfs(this.path);
    const file = await open(this.#filler, "w");
    try {
      const block = new Uint8Array(1024 * 1024);
      // Until the disk says no.
      for (let left = bavail * bsize + block.length; left > 0; left -= block.length) await file.write(block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  async remove(): Promise<void> {
    await removeFolder(this.path);
  }

  get #filler(): string {
    return join(this.path, "filler");
  }
}

async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(/^ekiden-disk-(\d+)-/.exec(name)?.[1]);
    if (!(pid > 0) || (await Bun.file(`/proc/${pid}/stat`).exists())) continue;
    const home = join(tmpdir(), name);
    await Promise.all([stopOrphan({ name: "connect", home }), stopOrphan({ name: "kafka", home })]);
    await stopPostmasterOf(join(home, "postgres"));
    await removeFolder(home);
  }
}

async function removeFolder(path: string): Promise<void> {
  await Bun.$`umount ${path}`.quiet().nothrow();
  await rm(path, { recursive: true, force: true });
}
