import { dirname, normalize } from "node:path";

import type { SourceFile } from "./import-rules.ts";
import { codeOf, lineAt } from "./source-text.ts";

const EXPORT =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(async\s+function|function|const|let|class|enum|interface|type)\b[\s*]*(\w+)/gm;
/** `import { a, type b as c } from "./d.ts"`, the same with `export`, and `import * as e`. */
const NAMED = /\b(?:import|export)\b\s*(?:type\s+)?([\w\s{},*$]*?)\bfrom\s*(?=["'])/g;
const WHOLE = /\bimport\s*\(\s*(?=["'`])/g;

/**
 * Exports of `files` that nobody needs, as `path:line: name`. `readers` are all the files that may import them. A type
 * counts as needed when its own file says it again: it names what an exported function takes or gives.
 */
export function unusedExports(files: readonly SourceFile[], readers: readonly SourceFile[]): string[] {
  const wanted = namesByFile(readers);
  return files.flatMap(({ path, source }) => {
    const code = codeOf(source);
    const names = wanted.get(path);
    if (names?.has("*")) return [];
    return [...code.matchAll(EXPORT)]
      .filter(([, kind = "", name = ""]) => !names?.has(name) && !(isType(kind) && saidAgain(code, name)))
      .map(({ index, 2: name }) => `${path}:${lineAt(source, index)}: ${name}`);
  });
}

function isType(kind: string): boolean {
  return kind === "interface" || kind === "type";
}

function saidAgain(code: string, name: string): boolean {
  return [...code.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length > 1;
}

/** File → the names that others take from it; `*`: the whole of it. */
function namesByFile(files: readonly SourceFile[]): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  const want = (path: string, names: readonly string[]) => {
    const known = wanted.get(path) ?? new Set<string>();
    wanted.set(path, known);
    for (const name of names) known.add(name);
  };
  for (const { path, source } of files) {
    const code = codeOf(source);
    const target = (at: number) => normalize(`${dirname(path)}/${/^["'`]([^"'`]*)/.exec(source.slice(at))?.[1] ?? ""}`);
    for (const match of code.matchAll(NAMED)) want(target(match.index + match[0].length), namesOf(match[1] ?? ""));
    for (const match of code.matchAll(WHOLE)) want(target(match.index + match[0].length), ["*"]);
  }
  return wanted;
}

function namesOf(clause: string): string[] {
  if (clause.includes("*")) return ["*"];
  return (/\{(.*)\}/s.exec(clause)?.[1] ?? "")
    .split(",")
    .map((part) =>
      part
        .trim()
        .replace(/^type\s+/, "")
        .replace(/\s+as\s+.*$/s, ""),
    )
    .filter((name) => name !== "");
}
