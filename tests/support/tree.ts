import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";

import { isOwn } from "./own-domains.ts";

const root = resolve(import.meta.dir, "../..");
const PARTS = ["engine", "domains", "sql", "package.json", "tsconfig.json", "bunfig.toml", "bun.lock", "patches"];

/** A copy of the project that a test may edit as an engineer would. */
export interface Tree {
  readonly path: string;
  /** Replaces text in one file; fails when it does not stand there. */
  edit(file: string, from: string | RegExp, to: string): Promise<void>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** Takes one file away. */
  removeFile(file: string): Promise<void>;
  remove(): Promise<void>;
}

/** Copies what the engine needs to run, and of domains the project's own; packages are shared. */
export async function copyTree(): Promise<Tree> {
  const path = await mkdtemp(join(tmpdir(), "ekiden-tree-"));
  const isPart = (from: string) => isOwn(relative(root, from));
  await Promise.all(PARTS.map((part) => cp(join(root, part), join(path, part), { recursive: true, filter: isPart })));
  await symlink(join(root, "node_modules"), join(path, "node_modules"));
  const read = (file: string) => Bun.file(join(path, file)).text();
  const write = async (file: string, text: string) => void (await Bun.write(join(path, file), text));
  return {
    path,
    read,
    write,
    async edit(file, from, to) {
      const before = await read(file);
      const after = before.replace(from, to);
      if (after === before) throw new Error(`${file} holds no ${from}`);
      await write(file, after);
    },
    removeFile: (file) => rm(join(path, file)),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
