/**
 * `bun run compile [file]`: engine and command line as one binary (dist/ekiden) for this machine, with the engine's migrations in it.
 * It needs no Bun and no packages; domains and *.saga.yaml stay files, in EKIDEN_DOMAINS.
 */
import { join, resolve } from "node:path";

const root = join(import.meta.dir, "..");
const target = resolve(process.argv[2] ?? "dist/ekiden");
const migrations = [...new Bun.Glob("sql/*.sql").scanSync({ cwd: root, absolute: true })].sort();

const built = await Bun.build({
  entrypoints: [join(root, "engine/binary.ts"), ...migrations],
  compile: { outfile: target },
  loader: { ".sql": "file" },
  // By their own names: these are what the database remembers as applied.
  naming: { asset: "[name].[ext]" },
  throw: false,
});
if (!built.success) {
  for (const fault of built.logs) console.error(fault);
  process.exit(1);
}
console.log(target);
