import type { Expression } from "./definition.ts";
import type { Json } from "./json.ts";

/** The names an expression may read: `input`, `steps`, `vars`, `saga`, `error`, `signal`, `result`. Absent names are unknown. */
export type Scope = Readonly<Record<string, Json>>;

/**
 * Evaluates CEL. The core imports no package, so the evaluator is handed in; it must be a pure function of its
 * arguments: same expression and scope, same value.
 */
export interface Evaluator {
  /** @throws ExpressionFault when the expression fails at run time (missing field, wrong type, result that is no JSON). */
  evaluate(expression: Expression, scope: Scope): Json;
  /** The fields of a name that an expression can read (`apply` of `steps.apply`); undefined: it may read any. */
  fieldsOf(expression: Expression, name: "steps" | "vars"): readonly string[] | undefined;
}

/** An expression that failed on real data. Parks the saga (S16) with its position in the YAML. */
export class ExpressionFault extends Error {
  readonly expression: Expression;

  constructor(expression: Expression, message: string) {
    super(message);
    this.name = "ExpressionFault";
    this.expression = expression;
  }
}
