import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { EngineError } from "../core/error.ts";
import type { Domain } from "../sdk.ts";
import { packageHint, provideImports } from "./domain-imports.ts";

/** A domain folder that cannot be used. */
export class DomainError extends EngineError {
  readonly code = "domain.invalid";
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.hint = hint;
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
  if (!existsSync(folder))
    throw new DomainError(
      `there is no folder ${folder}`,
      "Set EKIDEN_DOMAINS to the folder that holds your domains and *.saga.yaml.",
    );
  provideImports(folder);
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "domain.ts")))
    .map((entry) => entry.name)
    .sort();
  if (wanted === "all") return Promise.all(names.map((name) => loadDomain(join(folder, name), name)));
  const absent = [...wanted].filter((name) => !names.includes(name));
  if (absent.length > 0)
    throw new DomainError(
      `there is no domain ${absent.join(", ")} in ${folder}`,
      `EKIDEN_ROLES names it. Domains there: ${names.join(", ") || "none"}.`,
    );
  return Promise.all([...wanted].sort().map((name) => loadDomain(join(folder, name), name)));
}

async function loadDomain(folder: string, name: string): Promise<LoadedDomain> {
  const file = join(folder, "domain.ts");
  if (RESERVED.has(name) || name.startsWith("pg_")) {
    const hint = `Give the folder and the domain another name: the engine keeps ${[...RESERVED].join(", ")} and pg_… for itself.`;
    throw new DomainError(`${file}: a domain cannot be called "${name}"`, hint);
  }
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DomainError(
      `${file} does not load: ${message}`,
      packageHint(message, folder) ?? "Mend the file; `bun run check` shows type errors.",
      error,
    );
  }
  const domain = loaded.default as Domain | undefined;
  if (domain?.name !== name || !NAME.test(name)) {
    const hint = `Its default export is defineDomain({ name: "${name}", … }); names match ${NAME.source}.`;
    throw new DomainError(`${file} does not export the domain "${name}"`, hint);
  }
  for (const action of Object.keys(domain.steps)) {
    if (!NAME.test(action))
      throw new DomainError(`${file}: step "${action}" has a bad name`, `Names match ${NAME.source}.`);
  }
  return { domain, sqlFolder: join(folder, "sql") };
}
