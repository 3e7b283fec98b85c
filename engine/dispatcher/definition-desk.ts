import type { Definition } from "../core/definition.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import {
  type BrokenFile,
  type DefinitionFile,
  fingerprint,
  readDefinitions,
  unloadedDomains,
  whyAbsent,
} from "../definition/folder.ts";
import { loadDefinition } from "../definition/load.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { untilPulse } from "../pause.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import { readDefinition, type Retired } from "../timeline/read-definitions.ts";
import { publishDefinition } from "../timeline/definition-write.ts";
import type { KnownDomains } from "../timeline/known-domains.ts";

/** How often the folder is looked at. A look costs a few microseconds; editors replace files in too many ways to rely on events. */
const LOOK_EVERY_MS = 500;

/** Said where a command is not known: definitions are read again while the engine runs, handlers are not. */
const ADDED = "A step that was added to a domain since its process began is known when that process is started again.";

/**
 * Takes definitions from the folder into the store, at start and whenever a file changes. Valid: a new revision for new
 * sagas; running ones stay on theirs. Broken: the last good revision stays, and the log and the API say what is wrong.
 */
export class DefinitionDesk {
  readonly #sql: Sql;
  readonly #folder: string;
  readonly #domains: KnownDomains;
  readonly #production: boolean;
  readonly #log: Log;
  #broken = new Map<string, BrokenFile>();
  /** What each file of the folder says, by its name; a file with a mistake says what it said before. */
  #good: ReadonlyMap<string, Definition> = new Map();
  #definitions: ReadonlyMap<string, Definition> = new Map();
  /** Since when they are retired, as the log has said. */
  readonly #retired = new Map<string, string | undefined>();
  #seen = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly sql: Sql;
    readonly folder: string;
    readonly domains: KnownDomains;
    readonly production: boolean;
    readonly log: Log;
  }) {
    this.#sql = parts.sql;
    this.#folder = parts.folder;
    this.#domains = parts.domains;
    this.#production = parts.production;
    this.#log = parts.log;
  }

  /** Files that are not in use because they are broken, with what is wrong. */
  get broken(): ReadonlyMap<string, BrokenFile> {
    return this.#broken;
  }

  /** Why no definition of a name is in use; undefined: no file says one. */
  readonly whyAbsent = (name: string): string | undefined => whyAbsent(this.#broken, name);

  /** Their files, by the names of the definitions. */
  get files(): ReadonlyMap<string, string> {
    return new Map([...this.#good].map(([file, { name }]) => [name, file]));
  }

  /** The definitions of the folder that are in use, by name. */
  get definitions(): ReadonlyMap<string, Definition> {
    return this.#definitions;
  }

  /** Takes in what is there, then goes on looking until `stop`. */
  async start(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) => this.#log.error("the definitions could not be read", { error }))
        .finally(() => this.#schedule());
    }, untilPulse(LOOK_EVERY_MS));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    await this.#domains.look();
    const unloaded = unloadedDomains(this.#folder, new Set(this.#domains.domains.map(({ name }) => name)));
    const now = [this.#domains.stamp, ...unloaded.keys(), fingerprint(this.#folder)].join("\n");
    if (now === this.#seen) return;
    const files = readDefinitions(this.#folder, { ...this.#domains.catalog, unloaded });
    const broken = new Map<string, BrokenFile>();
    const good = new Map<string, Definition>();
    const mended: string[] = [];
    for (const file of files) {
      const trouble = file.definition === null ? file.diagnostics : await this.#publish(file);
      if (isWaiting(file)) this.#log.info(`${file.file} is not loaded yet: ${file.diagnostics[0]?.message}`);
      else for (const diagnostic of file.diagnostics) this.#report(file, diagnostic);
      if (trouble.length > 0) broken.set(file.file, { name: file.name, diagnostics: trouble, source: file.source });
      const inUse = trouble.length > 0 ? await this.#before(file) : file.definition;
      if (inUse) good.set(file.file, inUse);
      const before = this.#broken.get(file.file);
      if (trouble.length === 0 && before !== undefined && !isWaiting(before)) mended.push(file.file);
    }
    for (const file of mended) this.#log.info(`${file} is mended`);
    this.#reportGone(files);
    this.#good = good;
    this.#definitions = new Map([...good.values()].map((definition) => [definition.name, definition] as const));
    this.#broken = broken;
    this.#seen = now;
  }

  /**
   * What a file with a mistake said before; at the first look what the store has under its name, so that what starts sagas
   * by the time or by messages goes on as calls do.
   */
  async #before({ file, name, diagnostics }: DefinitionFile): Promise<Definition | null> {
    const known = this.#good.get(file);
    if (known !== undefined || name === null || this.#seen !== "" || isWaiting({ diagnostics })) return known ?? null;
    const current = await readDefinition(this.#sql, name);
    return current === undefined ? null : loadDefinition(current.source, { catalog: null, checks: false }).definition;
  }

  /** A file that is gone ends nothing: sagas are under way, and other processes may have it. */
  #reportGone(files: readonly DefinitionFile[]): void {
    const there = new Set(files.map(({ file }) => file));
    for (const [file, { name, version }] of this.#good) {
      if (there.has(file) || files.some(({ definition }) => definition?.name === name)) continue;
      this.#log.warn(
        `${file} is gone: saga ${name} version ${version} stays current, and calls can start it as before, unless it is retired: ekiden definitions retire ${name} --reason …`,
      );
    }
  }

  async #publish(file: DefinitionFile): Promise<readonly Diagnostic[]> {
    const { definition, source } = file;
    if (definition === null) return file.diagnostics;
    const published = await publishDefinition(this.#sql, definition, source, this.#production);
    if (published.kind === "current") {
      if (published.changed)
        this.#log.info(`${file.file}: saga ${definition.name} version ${definition.version} is current`, {
          revision: definition.revision.slice(0, 12),
        });
      this.#reportRetired(file.file, definition.name, published.retired);
      return [];
    }
    const message =
      published.kind === "older"
        ? `version ${definition.version} is older than the current version ${published.current}`
        : `version ${published.version} is in use with other content`;
    const diagnostic: Diagnostic = {
      severity: "error",
      code: "definition.version",
      message,
      line: 1,
      column: 1,
      hint: "Raise `version:` in the file.",
    };
    this.#report(file, diagnostic);
    return [diagnostic];
  }

  /** Once for each retirement, and not at every edit of any file. */
  #reportRetired(
    file: string,
    name: string,
    { retired_at: at, retired_by: by, retired_reason: reason }: Retired,
  ): void {
    const since = at?.toISOString();
    if (since !== undefined && this.#retired.get(name) !== since)
      this.#log.warn(
        `${file}: saga ${name} was retired at ${since} by ${by}: ${reason}. It starts no saga until it is restored: ekiden definitions restore ${name} --reason …`,
      );
    this.#retired.set(name, since);
  }

  #report(file: DefinitionFile, diagnostic: Diagnostic): void {
    const [place = "", ...indented] = renderDiagnostic(file.file, file.source, diagnostic).split("\n");
    const lines = indented.map((line) => line.replace(/^ {2}/, ""));
    if (diagnostic.severity !== "error") return this.#log.warn(place, { lines });
    const effect =
      "The last good revision, if there is one, stays in use; without one no saga of this file can be started.";
    const added = diagnostic.code === "definition.unknown-command" ? [ADDED] : [];
    this.#log.error(place, { lines: [...lines, ...added, effect] });
  }
}

/** Nothing is wrong with it: a domain that it uses has not been started anywhere. */
function isWaiting({ diagnostics }: Pick<DefinitionFile, "diagnostics">): boolean {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return errors.length > 0 && errors.every(({ code }) => code === "definition.domain-not-loaded");
}
