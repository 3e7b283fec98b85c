import type { DiagnosticCode } from "./diagnostic-codes.ts";
import type { ValueType } from "./value-type.ts";

/** What `steps.<name>` is at some place: readable, or why not. */
export type StepSight =
  | { readonly state: "ran" | "maybe"; readonly type: ValueType }
  | { readonly state: "unreadable"; readonly code: DiagnosticCode; readonly message: string; readonly hint: string };

/** What an expression may read where it stands. */
export interface TypeEnvironment {
  /** `input`, `saga`, …; variables of macros join them. */
  readonly names: ReadonlyMap<string, ValueType>;
  /** Undefined: the file has no such step. */
  look(step: string): StepSight | undefined;
  readonly stepNames: Iterable<string>;
  /** Paths that surely exist because a condition says so: `has(steps.review) && …` proves `steps.review`. */
  readonly proven: ReadonlySet<string>;
  /** `at`: offset in the expression's source. */
  warn(code: DiagnosticCode, at: number, message: string, hint: string): void;
  report(code: DiagnosticCode, at: number, message: string, hint: string): void;
}
