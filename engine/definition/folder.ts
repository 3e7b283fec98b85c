import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { DomainCatalog } from "../core/domain.ts";
import type { Definition } from "../core/definition.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { loadDefinition } from "./load.ts";

/** One `*.saga.yaml` as it stands on disk. */
export interface DefinitionFile {
  /** Path as a person types it, from the working directory. */
  readonly file: string;
  readonly source: string;
  readonly definition: Definition | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks every `*.saga.yaml` of a folder. */
export function readDefinitions(folder: string, catalog: DomainCatalog): DefinitionFile[] {
  const files = sagaFiles(folder).map((path) => readDefinition(path, catalog));
  const names = new Map<string, string>();
  return files.map((file) => {
    const name = file.definition?.name;
    if (name === undefined) return file;
    const other = names.get(name);
    names.set(name, other ?? file.file);
    return other === undefined ? file : sameName(file, name, other);
  });
}

/** Reads and checks one file. */
export function readDefinition(path: string, catalog: DomainCatalog): DefinitionFile {
  const source = readFileSync(path, "utf8");
  const { definition, diagnostics } = loadDefinition(source, { catalog });
  return { file: relative(process.cwd(), path), source, definition, diagnostics };
}

function sameName(file: DefinitionFile, name: string, other: string): DefinitionFile {
  const diagnostic: Diagnostic = {
    severity: "error",
    code: "definition.duplicate-name",
    message: `saga "${name}" stands in ${other} too`,
    line: 1,
    column: 1,
    hint: "Give one of them another name.",
  };
  return { ...file, definition: null, diagnostics: [...file.diagnostics, diagnostic] };
}

/** What changes when any saga file of a folder is added, edited or removed. Cheap: names, times and sizes only. */
export function fingerprint(folder: string): string {
  return sagaFiles(folder)
    .map((path) => {
      const { mtimeMs, size } = statSync(path);
      return `${path}:${mtimeMs}:${size}`;
    })
    .join("\n");
}

function sagaFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".saga.yaml"))
    .sort()
    .map((name) => join(folder, name));
}
