import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { checkDefinition } from "./check-definition.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { Findings } from "./findings.ts";
import { Marks } from "./marks.ts";
import { definitionOf } from "./parse-definition.ts";
import { readYaml } from "./yaml-document.ts";

/** A definition file, read. `definition` is null exactly when a diagnostic is an error. */
export interface LoadedDefinition {
  readonly definition: Definition | null;
  readonly diagnostics: readonly Diagnostic[];
}

export interface LoadOptions {
  /** Null: commands are not checked against handlers. */
  readonly catalog: DomainCatalog | null;
  /** The other definitions by name, for `saga` steps. Without them children are not checked. */
  readonly definitions?: ReadonlyMap<string, Definition>;
  /** False: parse only. A revision that sagas run on must compile for ever, whatever later versions think of it. */
  readonly checks?: boolean;
}

/** Reads a saga file: YAML to a definition, with everything that is wrong in it. Never throws for bad sources. */
export function loadDefinition(source: string, options: LoadOptions): LoadedDefinition {
  const findings = new Findings();
  const marks = new Marks();
  const definition = parse(source, findings, marks);
  // Checks of a file that was not understood completely would accuse the innocent.
  if (definition !== undefined && !findings.hasErrors && options.checks !== false) {
    const { catalog, definitions = null } = options;
    checkDefinition(definition, { catalog, definitions }, findings, marks);
  }
  return { definition: findings.hasErrors ? null : (definition ?? null), diagnostics: findings.list() };
}

/** SHA-256 of the source's bytes, hex: what tells two revisions apart. */
function revisionOf(source: string): string {
  return new Bun.CryptoHasher("sha256").update(source).digest("hex");
}

function parse(source: string, findings: Findings, marks: Marks): Definition | undefined {
  const document = readYaml(source, findings);
  if (document === undefined) return undefined;
  if (document.root === null) {
    findings.error(
      "definition.missing-key",
      { line: 1, column: 1 },
      "the file is empty",
      "Begin with `saga: some_name`.",
    );
    return undefined;
  }
  return definitionOf({ document, findings, marks }, document.root, revisionOf(source));
}
