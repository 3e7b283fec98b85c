import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { DomainCatalog } from "../core/domain.ts";
import type { Definition } from "../core/definition.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { loadDefinition } from "./load.ts";

/** One `*.saga.yaml` as it stands on disk. */
export interface DefinitionFile {
  /** Path as a person types it, from the working directory. */
  readonly file: string;
  readonly source: string;
  /** The saga's name, also where something is wrong in the file; null: it says none. */
  readonly name: string | null;
  readonly definition: Definition | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** A file that is not in use: what is wrong with it, and what it says. */
export interface BrokenFile {
  /** The saga's name, as far as the file says one. */
  readonly name: string | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly source: string;
}

/** Why there is no definition of a name: the file that says one, and what is wrong in it. Undefined: no file does. */
export function whyAbsent(broken: ReadonlyMap<string, BrokenFile>, name: string): string | undefined {
  const found = [...broken].find(
    ([file, { name: said }]) => said === name || (said === null && basename(file) === `${name}.saga.yaml`),
  );
  const error = found?.[1].diagnostics.find(({ severity }) => severity === "error");
  if (found === undefined || error === undefined) return undefined;
  return `${found[0]}:${error.line}:${error.column} keeps it from being used: ${error.message}. ${error.hint}`;
}

/** The line that names the saga, in a file that may be no YAML. Nothing but a name: a mistake in it is no other saga's. */
const NAME_LINE = /^saga:[ \t]+(["']?)([a-z][a-z0-9_]*)\1[ \t]*(?:#.*)?\r?$/m;

/** Reads and checks every `*.saga.yaml` of a folder. */
export function readDefinitions(folder: string, catalog: DomainCatalog): DefinitionFile[] {
  const paths = sagaFiles(folder);
  const others = parsedIn(paths);
  const files = paths.map((path) => checkedFile(path, catalog, others));
  // By name, whatever else is wrong: a copy must not take over while its original has a mistake.
  const named = Map.groupBy(files, ({ name }) => name);
  return files.map((file) => {
    const { name } = file;
    if (name === null) return file;
    const others = named.get(name)?.filter((other) => other !== file) ?? [];
    // None of them is taken: nobody can tell which is meant, and a copy must not replace what runs.
    return others.length === 0 ? file : sameName(file, name, others);
  });
}

/** Reads and checks one file; the sagas that it starts stand beside it. */
export function readDefinition(path: string, catalog: DomainCatalog): DefinitionFile {
  return checkedFile(path, catalog, parsedIn(sagaFiles(dirname(path))));
}

/** What a child takes and gives can be told although something else is wrong in it. */
function parsedIn(paths: readonly string[]): ReadonlyMap<string, Definition> {
  const parsed = paths.map((path) => loadDefinition(readFileSync(path, "utf8"), { catalog: null, checks: false }));
  const definitions = parsed.map(({ definition }) => definition).filter((definition) => definition !== null);
  return new Map(definitions.map((definition) => [definition.name, definition] as const));
}

function checkedFile(
  path: string,
  catalog: DomainCatalog,
  definitions: ReadonlyMap<string, Definition>,
): DefinitionFile {
  const source = readFileSync(path, "utf8");
  const { definition, diagnostics } = loadDefinition(source, { catalog, definitions });
  return { file: relative(process.cwd(), path), source, name: nameIn(source), definition, diagnostics };
}

function sameName(file: DefinitionFile, name: string, others: readonly DefinitionFile[]): DefinitionFile {
  const diagnostic: Diagnostic = {
    severity: "error",
    code: "definition.duplicate-name",
    message: `saga "${name}" stands in ${others.map((other) => other.file).join(", ")} too`,
    line: 1,
    column: 1,
    hint: "Give one of them another name, or take its file away. Until then none of them is taken.",
  };
  return { ...file, definition: null, diagnostics: [...file.diagnostics, diagnostic] };
}

/** The files of a folder by the names of their definitions, also where something is wrong in them. */
export function definitionFiles(folder: string): ReadonlyMap<string, string> {
  return new Map(
    sagaFiles(folder).map((path) => [nameIn(readFileSync(path, "utf8")) ?? "", relative(process.cwd(), path)] as const),
  );
}

function nameIn(source: string): string | null {
  const { definition } = loadDefinition(source, { catalog: null, checks: false });
  return definition?.name ?? NAME_LINE.exec(source)?.[2] ?? null;
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

/** The folders of domains that lie there, by their names, but for those that are known; as a person types them. */
export function unloadedDomains(folder: string, known: ReadonlySet<string>): ReadonlyMap<string, string> {
  return new Map(
    readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !known.has(name) && existsSync(join(folder, name, "domain.ts")))
      .map(({ name }) => [name, relative(process.cwd(), join(folder, name))] as const),
  );
}
