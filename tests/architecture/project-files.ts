import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { isOwn } from "../support/own-domains.ts";
import type { SourceFile } from "./import-rules.ts";

/** The project's own folder. */
export const root = resolve(import.meta.dir, "../..");

/** Files of the project that match a glob, sorted, without what is installed or kept at run time. */
export function projectFiles(...globs: readonly string[]): SourceFile[] {
  const found = globs.flatMap((glob) => [...new Bun.Glob(glob).scanSync({ cwd: root })]);
  // The peers of the benchmark install their packages into a folder of their own.
  const paths = new Set(found.filter((path) => !path.includes("node_modules/")));
  return [...paths].sort().map((path) => ({ path, source: readFileSync(join(root, path), "utf8") }));
}

/** As `projectFiles`, without domains that somebody has put beside the project's: how those are written is theirs to say. */
export function ownFiles(...globs: readonly string[]): SourceFile[] {
  return projectFiles(...globs).filter(({ path }) => isOwn(path));
}
