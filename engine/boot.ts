/**
 * Runs one of the project's programs, after installing the packages if they are missing: a fresh clone needs no other
 * command. Imports nothing that would have to be installed.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "..");
const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  console.error("usage: bun engine/boot.ts <program> [arguments]");
  process.exit(2);
}

if (existsSync(join(root, "node_modules", "postgres"))) {
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

async function installed(): Promise<void> {
  console.error("Installing packages (first run) …");
  const install = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [code, text] = await Promise.all([install.exited, new Response(install.stderr).text()]);
  if (code === 0) return;
  console.error(
    `The packages could not be installed:\n${text}\nIs the npm registry reachable, and is there disk space?`,
  );
  process.exit(1);
}
