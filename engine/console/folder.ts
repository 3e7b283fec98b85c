import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The bundled console: where it lies, or why it could not be bundled. */
export interface ConsoleFolder {
  /** The folder of compressed files. @throws Error with what the bundler said */
  path(): Promise<string>;
}

/**
 * Bundles the console when somebody first asks for it, in a process of its own, into a folder below `home` that is named
 * after the sources: an engine that nobody looks at pays nothing, and the next start finds it made.
 */
export function consoleFolder(home: string): ConsoleFolder {
  let made: Promise<string> | undefined;
  return {
    path: () => {
      made ??= bundled(home).catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
  };
}

/** Inside the one binary, whose files lie in a folder of its own: the console was bundled with it. */
const COMPILED = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/;

async function bundled(home: string): Promise<string> {
  if (COMPILED.test(import.meta.dir)) return import.meta.dir;
  const hash = sourcesHash();
  const places = [join(home, "console"), join(tmpdir(), `ekiden-console-${process.getuid?.() ?? 0}`)];
  const found = places.map((place) => join(place, hash)).find(isMade);
  if (found !== undefined) return found;
  let said = "";
  // A home that cannot be written to, as in a container with a read-only disk, is no reason to have no console.
  for (const place of places) {
    const folder = join(place, hash);
    const build = Bun.spawn([process.execPath, join(import.meta.dir, "build.ts"), folder], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    const [code, text] = await Promise.all([build.exited, new Response(build.stderr).text()]);
    if (code === 0) {
      forgetOthers(place, hash);
      return folder;
    }
    said ||= text;
  }
  throw new Error(`the console could not be bundled: ${said.trim().slice(0, 2_000)}`);
}

function isMade(folder: string): boolean {
  return existsSync(join(folder, "index.html.gz"));
}

/** What earlier sources were bundled into. */
function forgetOthers(place: string, hash: string): void {
  for (const name of readdirSync(place)) {
    if (/^[0-9a-f]{16}$/.test(name) && name !== hash) rmSync(join(place, name), { recursive: true, force: true });
  }
}

/** Of the console's own files, and of the packages and the program that bundles them. */
function sourcesHash(): string {
  const hash = createHash("sha256").update(Bun.version);
  const names = readdirSync(import.meta.dir, { recursive: true, encoding: "utf8" }).toSorted();
  for (const name of names) {
    if (/\.(?:tsx?|css|json)$/.test(name) && !name.includes("node_modules")) {
      hash.update(name).update(readFileSync(join(import.meta.dir, name)));
    }
  }
  const lock = resolve(import.meta.dir, "../../bun.lock");
  if (existsSync(lock)) hash.update(readFileSync(lock));
  return hash.digest("hex").slice(0, 16);
}
