/**
 * `bun run compile [file]`: engine and command line as one binary (dist/ekiden) for this machine, with the engine's migrations and its console in it.
 * It needs no Bun and no packages; domains and *.saga.yaml stay files, in EKIDEN_DOMAINS.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { consoleFolder } from "../engine/console/folder.ts";

const root = join(import.meta.dir, "..");
const target = resolve(process.argv[2] ?? "dist/ekiden");
const migrations = [...new Bun.Glob("sql/*.sql").scanSync({ cwd: root, absolute: true })].sort();
/** Each is a program of its own to the compiler. */
const threads = [join(root, "engine/transport/embedded/lease-thread.ts")];
const home = mkdtempSync(join(tmpdir(), "ekiden-compile-"));
const pages = await Array.fromAsync(
  new Bun.Glob("*.gz").scan({ cwd: await consoleFolder(home).path(), absolute: true }),
);

const built = await Bun.build({
  entrypoints: [join(root, "engine/binary.ts"), ...threads, ...migrations, ...pages.sort()],
  compile: { outfile: target },
  loader: { ".sql": "file", ".gz": "file" },
  // By their own names: these are what the database remembers as applied.
  naming: { asset: "[name].[ext]" },
  throw: false,
});
rmSync(home, { recursive: true, force: true });
if (!built.success) {
  for (const fault of built.logs) console.error(fault);
  process.exit(1);
}
console.log(target);
