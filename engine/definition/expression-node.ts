/**
 * A parsed expression, free of the CEL library: the evaluator and the static checks walk this.
 * `at` is the offset of the node's first character inside the expression's source; a field's or call's is its name's.
 */
export type ExpressionNode = { readonly at: number } & (
  | { readonly kind: "literal"; readonly value: null | boolean | number | string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "field"; readonly target: ExpressionNode; readonly name: string }
  | { readonly kind: "index"; readonly target: ExpressionNode; readonly index: ExpressionNode }
  | { readonly kind: "has"; readonly target: ExpressionNode; readonly name: string }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly receiver?: ExpressionNode;
      readonly args: readonly ExpressionNode[];
    }
  | {
      readonly kind: "macro";
      readonly macro: Macro;
      readonly list: ExpressionNode;
      readonly variable: string;
      readonly body: readonly ExpressionNode[];
    }
  | { readonly kind: "list"; readonly items: readonly ExpressionNode[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [ExpressionNode, ExpressionNode])[] }
  | {
      readonly kind: "conditional";
      readonly condition: ExpressionNode;
      readonly yes: ExpressionNode;
      readonly no: ExpressionNode;
    }
  | { readonly kind: "and" | "or"; readonly left: ExpressionNode; readonly right: ExpressionNode }
  | { readonly kind: "not" | "negate"; readonly operand: ExpressionNode }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: ExpressionNode;
      readonly right: ExpressionNode;
    }
);

export type BinaryOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "+" | "-" | "*" | "/" | "%";

/** Comprehensions over a list or the keys of an object. `map` takes a filter as well when its body has two parts. */
export type Macro = "all" | "exists" | "exists_one" | "map" | "filter";

/** An expression that cannot be used: bad syntax, an unknown function, too large. `at` is an offset in its source. */
export class ExpressionSyntaxError extends Error {
  constructor(
    readonly at: number,
    message: string,
    readonly hint: string,
    readonly code: "definition.expression-syntax" | "definition.unknown-function" = "definition.expression-syntax",
  ) {
    super(message);
    this.name = "ExpressionSyntaxError";
  }
}
