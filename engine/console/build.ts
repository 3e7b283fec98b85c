/**
 * Bundles the console into a folder: `bun engine/console/build.ts <folder>`. A process of its own, so that the engine's
 * memory does not keep what the bundler takes.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error("usage: bun engine/console/build.ts <folder>");
  process.exit(2);
}

/** A sash, handed on. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#c2410c"/><path d="M3 5c4 0 6 6 10 6" stroke="#fff" stroke-width="2.4" fill="none" stroke-linecap="round"/></svg>';
const source = join(import.meta.dir, "src");
const built = await Bun.build({
  entrypoints: [join(source, "main.tsx")],
  target: "browser",
  format: "esm",
  splitting: true,
  minify: true,
  naming: { entry: "[name]-[hash].[ext]", chunk: "part-[hash].[ext]", asset: "[name]-[hash].[ext]" },
  define: { "process.env.NODE_ENV": '"production"' },
});

// Another process may build the same: whichever renames first is the one that stays.
const folder = `${resolve(target)}.${process.pid}`;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
let [script, style] = ["", ""];
for (const output of built.outputs) {
  const name = output.path.replace(/^.*[\\/]/, "");
  if (output.kind === "entry-point") script = name;
  else if (name.startsWith("main-") && name.endsWith(".css")) style = name;
  await write(name, new Uint8Array(await output.arrayBuffer()));
}
if (script === "" || style === "") throw new Error("the bundler made no script, or no style");
await write("index.html", new TextEncoder().encode(page(script, style)));
try {
  renameSync(folder, resolve(target));
} catch (error) {
  rmSync(folder, { recursive: true, force: true });
  if (!(await Bun.file(join(resolve(target), "index.html.gz")).exists())) throw error;
}

/** Compressed once, for all who ask for it. */
async function write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await Bun.write(join(folder, `${name}.gz`), Bun.gzipSync(bytes, { level: 9 }));
}

function page(script: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ekiden</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body><div id="console"></div><noscript>The console needs JavaScript; the command line does not: bun run ekiden --help</noscript></body>
</html>
`;
}
