import { catalogOf } from "../../engine/definition/catalog.ts";
import { loadDefinition, type LoadedDefinition } from "../../engine/definition/load.ts";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import type { Definition } from "../../engine/core/definition.ts";
import { relayDomains } from "./relay-domains.ts";

/** The catalog of the domains that the definition tests share. */
export const catalog = catalogOf(relayDomains);

/** Sagas that others may start: one that undoes itself, one with a pivot, one that starts `sample`. */
const CHILDREN = [
  `saga: bank_transfer
version: 1
input: { amount: number, note?: string }
steps:
  - step: move
    command: payment.transfer
    with: { amount: "\${ input.amount }" }
    compensate: { command: payment.refund, with: { amount: "\${ input.amount }" } }
output: { reference: "\${ steps.move.reference }" }
`,
  `saga: shipment
version: 1
steps:
  - step: move
    command: payment.transfer
    with: { amount: 1 }
    pivot: true
`,
  "saga: detour\nversion: 1\nsteps:\n  - saga: sample\n",
];

/** The definitions that a file of these tests can start. */
const definitions: ReadonlyMap<string, Definition> = new Map(
  CHILDREN.map((source) => {
    const { definition } = loadDefinition(source, { catalog: null, checks: false });
    if (definition === null) throw new Error(`this child does not parse: ${source}`);
    return [definition.name, definition] as const;
  }),
);

/** The design's example. */
export function onboardingSource(): Promise<string> {
  return Bun.file(`${import.meta.dir}/onboarding.saga.yaml`).text();
}

export function load(source: string): LoadedDefinition {
  return loadDefinition(source, { catalog, definitions });
}

/** The definition; the diagnostics are the error when there is none. */
export function definitionFrom(source: string): Definition {
  const { definition, diagnostics } = load(source);
  if (definition === null)
    throw new Error(diagnostics.map((each) => renderDiagnostic("test.saga.yaml", source, each)).join("\n"));
  return definition;
}

/** A saga with this input and these steps, given as YAML. */
export function saga(input: string, steps: string): string {
  return `saga: sample\nversion: 1\ninput: ${input}\nsteps:\n${steps}\n`;
}
