import type { DiagnosticCode } from "./diagnostic-codes.ts";
import type { Known } from "./flow.ts";
import type { ValueType } from "./value-type.ts";

/** What `steps.<name>` or `vars.<name>` is at some place: readable, or why not. */
export type Sight =
  | Known
  | { readonly state: "unreadable"; readonly code: DiagnosticCode; readonly message: string; readonly hint: string };

/** What an expression may read where it stands. */
export interface TypeEnvironment {
  /** `input`, `saga`, …; variables of macros join them. */
  readonly names: ReadonlyMap<string, ValueType>;
  /** There is no saga yet: no `steps` and no `vars`. */
  readonly bare: boolean;
  /** Undefined: the file has no such step. */
  lookStep(name: string): Sight | undefined;
  readonly stepNames: Iterable<string>;
  /** Undefined: no `set` of the file writes it. */
  lookVar(name: string): Sight | undefined;
  readonly varNames: Iterable<string>;
  /** Paths that surely exist because a condition says so: `has(steps.review) && …` proves `steps.review`. */
  readonly proven: ReadonlySet<string>;
  /** `at`: offset in the expression's source. */
  warn(code: DiagnosticCode, at: number, message: string, hint: string): void;
  report(code: DiagnosticCode, at: number, message: string, hint: string): void;
}
