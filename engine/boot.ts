/**
 * Runs one of the project's programs, after installing the packages if they are missing or of another version: neither a
 * fresh clone nor an update needs another command. Imports nothing that would have to be installed.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "..");
const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  console.error("usage: bun engine/boot.ts <program> [arguments]");
  process.exit(2);
}

/** Says of what the packages were installed. */
const STAMP = join(root, "node_modules", ".ekiden-packages");

if (areInstalled()) {
  process.argv = [process.argv[0] as string, resolve(root, program), ...args];
  await import(resolve(root, program));
} else {
  await installed();
  // A new process: this one resolved packages before there were any.
  const child = Bun.spawn([process.execPath, resolve(root, program), ...args], {
    cwd: process.cwd(),
    stdio: ["inherit", "inherit", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  process.exit(await child.exited);
}

function areInstalled(): boolean {
  if (!existsSync(join(root, "node_modules", "postgres"))) return false;
  return !existsSync(join(root, "bun.lock")) || (existsSync(STAMP) && readFileSync(STAMP, "utf8") === packages());
}

/** The lock file and the patches: with either of them changed, what is installed is not what was tested. */
function packages(): string {
  const folder = join(root, "patches");
  const patches = existsSync(folder) ? readdirSync(folder).sort() : [];
  const hash = createHash("sha256").update(readFileSync(join(root, "bun.lock")));
  for (const patch of patches) hash.update(readFileSync(join(folder, patch)));
  return hash.digest("hex");
}

async function installed(): Promise<void> {
  console.error("Installing packages …");
  const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [code, text] = await Promise.all([install.exited, new Response(install.stderr).text()]);
  if (code === 0) return writeFileSync(STAMP, packages());
  console.error(
    `The packages could not be installed:\n${text}\nIs the npm registry reachable, and is there disk space?`,
  );
  process.exit(1);
}
