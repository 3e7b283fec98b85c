import type { Expression, Position } from "../core/definition.ts";

/**
 * Where the parts of a definition stand in its file. The AST is data and carries few positions; the checks need the
 * place of every key, so the parser keeps them beside it.
 */
export class Marks {
  readonly #objects = new WeakMap<object, Position>();
  readonly #keys = new WeakMap<object, Map<string, Position>>();
  readonly #expressions = new WeakMap<Expression, (offset: number) => Position>();

  /** Remembers where an AST object stands; gives the object back. */
  mark<T extends object>(object: T, at: Position): T {
    this.#objects.set(object, at);
    return object;
  }

  markKey(object: object, key: string, at: Position): void {
    const keys = this.#keys.get(object) ?? new Map<string, Position>();
    this.#keys.set(object, keys.set(key, at));
  }

  markExpression(expression: Expression, locate: (offset: number) => Position): Expression {
    this.#expressions.set(expression, locate);
    return expression;
  }

  /** The object's position, or `otherwise` when the file does not name it. */
  of(object: object, otherwise: Position): Position {
    return this.#objects.get(object) ?? otherwise;
  }

  ofKey(object: object, key: string, otherwise: Position): Position {
    return this.#keys.get(object)?.get(key) ?? this.of(object, otherwise);
  }

  /** The place of a character inside an expression, by its offset in `expression.source`. */
  inside(expression: Expression, offset: number): Position {
    return this.#expressions.get(expression)?.(offset) ?? expression.at;
  }
}
