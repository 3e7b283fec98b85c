import type { Json } from "./json.ts";

/**
 * What the engine knows of a domain's actions without importing the domain: made from `defineDomain` at load.
 * `engine/definition` checks a saga against it and the participant runs by it.
 */
export interface DomainCatalog {
  /** Key: `domain.action`. */
  readonly actions: ReadonlyMap<string, ActionDescription>;
  /** Domains that are not here may yet appear: their processes have not published them. */
  readonly open?: boolean;
  /** Domains that are here and do not load: what they know cannot be said, and of them a definition is not judged. */
  readonly broken?: ReadonlySet<string>;
  /** Domains that this process has not loaded, for they were not there when it started, and their folders. */
  readonly unloaded?: ReadonlyMap<string, string>;
}

export interface ActionDescription {
  readonly domain: string;
  readonly action: string;
  readonly external: boolean;
  /** False: declared without `run`; another program handles it. */
  readonly handled: boolean;
  readonly input: ValueSchema;
  /** Absent: the action answers without a result. */
  readonly output?: ValueSchema;
}

/** A schema as data (JSON Schema draft 2020-12) together with its parser. */
export interface ValueSchema {
  readonly jsonSchema: Json;
  /** Parses strictly. Never throws for bad data. */
  parse(
    value: unknown,
  ): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problems: readonly Problem[] };
}

/** One reason why a value was refused; `path` is a JSON pointer. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}
