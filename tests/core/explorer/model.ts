import { decide } from "../../../engine/core/decide.ts";
import type { Definition } from "../../../engine/core/definition.ts";
import { loadDefinition } from "../../../engine/definition/load.ts";
import type { Budget, Model, Outcome } from "./world.ts";

export const OK: Outcome = { end: "succeeded" };
export const NO: Outcome = { end: "rejected", code: "refused" };
export const FAILS: Outcome = { end: "failed", code: "timeout", retryable: true };
export const FATAL: Outcome = { end: "failed", code: "fatal", retryable: false };
export const THREW: Outcome = { end: "threw" };
export const THREW_AFTER: Outcome = { end: "threw-after-effect" };
export const NOT_SENT: Outcome = { end: "not-sent" };

export const BUDGET: Budget = { duplicates: 2, crashes: 1, cancels: 1, signals: 0, retries: 1, verbs: 0, edits: 0 };

/** Compiles a saga file; the checks are another suite's. */
export function define(source: string): Definition {
  const { definition, diagnostics } = loadDefinition(source, { catalog: null, checks: false });
  if (definition === null) throw new Error(diagnostics.map(({ message }) => message).join("; "));
  return definition;
}

export function model(source: string, more: Partial<Model>): Model {
  const parts = { outcomes: {}, compensations: {}, external: new Set<string>(), budget: BUDGET, faults: {} };
  return { definition: define(source), decide, ...parts, ...more };
}
