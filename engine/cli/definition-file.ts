import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { catalogOf } from "../definition/catalog.ts";
import { type DefinitionFile, readDefinition, readDefinitions } from "../definition/folder.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { suggestOrList } from "../definition/suggest.ts";
import { loadDomains } from "../participant/load-domains.ts";
import { CliError, EXIT } from "./cli-error.ts";

/** A definition without errors, and the handlers it was judged by. */
export interface SoundDefinition {
  readonly file: string;
  readonly definition: Definition;
  readonly catalog: DomainCatalog;
}

/** Where domains and saga files lie. */
export function definitionsFolder(): string {
  return resolve(process.env["EKIDEN_DOMAINS"] || "domains");
}

/** The folder whose domains a file is judged by: its own when domains lie there beside it, else EKIDEN_DOMAINS. */
export function domainsOf(file: string): string {
  const beside = dirname(resolve(file));
  const isDomain = (name: string) => existsSync(join(beside, name, "domain.ts"));
  return readdirSync(beside).some(isDomain) ? beside : definitionsFolder();
}

/** @throws CliError when one of them is no file */
export function demandFiles(files: readonly string[]): void {
  for (const file of files) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new CliError(EXIT.usage, `there is no file ${file}`);
    if (found.isDirectory())
      throw new CliError(EXIT.usage, `${file} is a folder: name its files, or set EKIDEN_DOMAINS to it`);
  }
}

/** The actions of all domains of the folder. @throws DomainError */
export async function loadCatalog(folder: string): Promise<DomainCatalog> {
  return catalogOf((await loadDomains(folder)).map(({ domain }) => domain));
}

/**
 * The definition that a person means: a file, or the name of a saga in EKIDEN_DOMAINS.
 * @throws CliError when there is none, and when it has errors
 */
export async function soundDefinition(nameOrFile: string): Promise<SoundDefinition> {
  const isFile = /[./\\]/.test(nameOrFile);
  if (isFile) demandFiles([nameOrFile]);
  const folder = isFile ? domainsOf(nameOrFile) : definitionsFolder();
  const catalog = await loadCatalog(folder);
  const read = isFile ? readDefinition(resolve(nameOrFile), catalog) : named(nameOrFile, folder, catalog);
  return { file: read.file, definition: withoutErrors(read), catalog };
}

/** @throws CliError that shows each error with its line */
function withoutErrors({ file, source, definition, diagnostics }: DefinitionFile): Definition {
  if (definition !== null) return definition;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw new CliError(EXIT.refused, errors.map((each) => renderDiagnostic(file, source, each)).join("\n\n"));
}

function named(name: string, folder: string, catalog: DomainCatalog): DefinitionFile {
  const files = readDefinitions(folder, catalog);
  const found =
    files.find(({ definition }) => definition?.name === name) ??
    // One with errors has no name that could be trusted; its file's name is what its author would say.
    files.find(({ file }) => file.replace(/^.*[\\/]/, "") === `${name}.saga.yaml`);
  if (found !== undefined) return found;
  const known = files.flatMap(({ definition }) => definition?.name ?? []);
  throw new CliError(EXIT.usage, `there is no definition "${name}". ${suggestOrList(name, known)}`);
}
