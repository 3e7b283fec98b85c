import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { EngineError } from "../core/error.ts";
import type { Domain } from "../sdk.ts";
import { misdeclared } from "./check-domain.ts";
import { type Fault, faultsOf, renderFaults } from "./load-failure.ts";
import { packageHint, provideImports } from "./domain-imports.ts";

/** A domain folder that cannot be used. */
export class DomainError extends EngineError {
  readonly code = "domain.invalid";
  readonly hint: string;
  /** Its `domain.ts`; undefined where it is about the folder of all domains. */
  readonly file: string | undefined;
  readonly faults: readonly Fault[];

  constructor(
    message: string,
    hint: string,
    where: { file?: string; faults?: readonly Fault[]; cause?: unknown } = {},
  ) {
    super(message, { cause: where.cause });
    this.hint = hint;
    this.file = where.file;
    this.faults = where.faults ?? [];
  }

  /** For a terminal: with the lines at fault, as far as they are known. */
  get shown(): string {
    if (this.faults.length === 0) return this.message;
    return `${this.file} does not load:\n${renderFaults(this.faults)}`;
  }
}

/** A loaded domain and the folder of its migrations. */
export interface LoadedDomain {
  readonly domain: Domain;
  readonly sqlFolder: string;
}

const NAME = /^[a-z][a-z0-9_]{0,47}$/;
/**
 * Names with a meaning of their own as schema, topic, consumer group or producer: a domain called so could pass for it. The
 * groups of definitions that messages start are `start.<definition>`, as those of projections are `<domain>.<projection>`.
 */
const RESERVED = new Set(["timeline", "dispatcher", "start", "api", "public", "information_schema"]);

/**
 * Loads `<folder>/<name>/domain.ts` of the domains wanted, and nothing of the others. Folders without that file are no
 * domains. @throws DomainError
 */
export async function loadDomains(
  folder: string,
  wanted: "all" | ReadonlySet<string> = "all",
): Promise<LoadedDomain[]> {
  const names = domainNames(folder);
  const absent = wanted === "all" ? [] : [...wanted].filter((name) => !names.includes(name));
  if (absent.length > 0)
    throw new DomainError(
      `there is no domain ${absent.join(", ")} in ${folder}`,
      `EKIDEN_ROLES names it. Domains there: ${names.join(", ") || "none"}.`,
    );
  const { loaded, broken } = await loadEach(folder, wanted === "all" ? names : [...wanted].sort());
  if (broken[0] !== undefined) throw broken[0].error;
  return loaded;
}

/** A domain that does not load, and why. */
export interface BrokenDomain {
  readonly name: string;
  readonly error: DomainError;
}

/** All domains of a folder: those that load, and what is wrong with the others. @throws DomainError when there is no such folder */
export async function loadThoseThatLoad(
  folder: string,
): Promise<{ readonly loaded: LoadedDomain[]; readonly broken: BrokenDomain[] }> {
  return loadEach(folder, domainNames(folder));
}

async function loadEach(folder: string, names: readonly string[]) {
  provideImports(folder);
  const loaded: LoadedDomain[] = [];
  const broken: BrokenDomain[] = [];
  const tries = await Promise.allSettled(names.map((name) => loadDomain(join(folder, name), name)));
  for (const [at, one] of tries.entries()) {
    if (one.status === "fulfilled") loaded.push(one.value);
    else if (one.reason instanceof DomainError) broken.push({ name: names[at] ?? "", error: one.reason });
    else throw one.reason;
  }
  return { loaded, broken };
}

/** The folders that hold a `domain.ts`. @throws DomainError when there is no such folder */
function domainNames(folder: string): string[] {
  if (!existsSync(folder))
    throw new DomainError(
      `there is no folder ${folder}`,
      "Set EKIDEN_DOMAINS to the folder that holds your domains and *.saga.yaml.",
    );
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "domain.ts")))
    .map((entry) => entry.name)
    .sort();
}

async function loadDomain(folder: string, name: string): Promise<LoadedDomain> {
  const file = join(folder, "domain.ts");
  if (RESERVED.has(name) || name.startsWith("pg_")) {
    const hint = `Give the folder and the domain another name: the engine keeps ${[...RESERVED].join(", ")} and pg_… for itself.`;
    throw new DomainError(`${file}: a domain cannot be called "${name}"`, hint, { file });
  }
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw unloadable(file, folder, error);
  }
  const domain = loaded.default as Domain | undefined;
  if (domain?.name !== name || !NAME.test(name)) {
    const hint = `Its default export is defineDomain({ name: "${name}", … }); names match ${NAME.source}.`;
    throw new DomainError(`${file} does not export the domain "${name}"`, hint, { file });
  }
  const wrong = misdeclared(name, domain as unknown as Readonly<Record<string, unknown>>);
  if (wrong.length > 0) {
    const said = wrong.map(({ message }) => message).join("; ");
    throw new DomainError(`${file}: ${said}`, [...new Set(wrong.map(({ hint }) => hint))].join(" "), { file });
  }
  for (const action of Object.keys(domain.steps)) {
    if (!NAME.test(action))
      throw new DomainError(`${file}: step "${action}" has a bad name`, `Names match ${NAME.source}.`, { file });
  }
  return { domain, sqlFolder: join(folder, "sql") };
}

function unloadable(file: string, folder: string, error: unknown): DomainError {
  const said = error instanceof Error ? error.message : String(error);
  const faults = faultsOf(error, folder);
  const places = faults.map(({ file: at, line, column, message }) => `${at}:${line}:${column} ${message}`);
  return new DomainError(
    `${file} does not load: ${places.join("; ") || said}`,
    packageHint(said, folder) ?? "Mend the file; `bun run check` shows type errors.",
    { file, faults, cause: error },
  );
}
