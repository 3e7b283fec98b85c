import type { Json, JsonObject } from "../core/json.ts";
import { isJsonObject } from "../core/json.ts";
import { storedOrder } from "../core/key-order.ts";
import type { Scope } from "../core/evaluate.ts";
import { FORBIDDEN_KEYS } from "../core/template.ts";
import { type ExpressionFunction, FunctionProblem, functionOf } from "./expression-functions.ts";
import type { ExpressionNode } from "./expression-node.ts";
import { applyBinary, numberOf } from "./expression-operators.ts";
import { EvaluationProblem, kindOf, limited, nameOf, Work } from "./expression-work.ts";

interface Run {
  readonly scope: Scope;
  readonly work: Work;
}

/**
 * Runs a parsed expression. Numbers are JSON numbers: `/` divides without truncation, `int(…)` truncates; division by
 * zero and results that are not finite, or whole but not exact, are problems. `&&` and `||` follow CEL: a problem on
 * one side is forgotten when the other side decides.
 * @throws EvaluationProblem
 */
export function evaluateNode(node: ExpressionNode, scope: Scope): Json {
  return run(node, { scope, work: new Work() });
}

function run(node: ExpressionNode, at: Run): Json {
  at.work.charge(1);
  switch (node.kind) {
    case "literal":
      return node.value;
    case "name":
      return member(at.scope, node.name, `there is no \`${node.name}\` here`);
    case "field":
      return field(run(node.target, at), node.name);
    case "index":
      return index(run(node.target, at), run(node.index, at));
    case "has":
      return has(run(node.target, at), node.name);
    case "call":
      return call(node, at);
    case "macro":
      return comprehend(node, at);
    case "list":
      return node.items.map((item) => run(item, at));
    case "map":
      return mapOf(node.entries.map(([key, value]) => [run(key, at), run(value, at)] as const));
    case "conditional":
      return run(truth(run(node.condition, at), "the condition of ? :") ? node.yes : node.no, at);
    case "and":
      return decided(node.left, node.right, false, at);
    case "or":
      return decided(node.left, node.right, true, at);
    case "not":
      return !truth(run(node.operand, at), "the operand of !");
    case "negate":
      return -numberOf(run(node.operand, at), "-");
    case "binary":
      return applyBinary(node.operator, run(node.left, at), run(node.right, at), at.work);
  }
}

function member(object: JsonObject, name: string, otherwise: string): Json {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value === undefined) throw new EvaluationProblem(otherwise);
  return value;
}

function field(target: Json, name: string): Json {
  if (isJsonObject(target)) return member(target, name, `there is no field \`${name}\``);
  throw new EvaluationProblem(`${nameOf(target)} has no field \`${name}\``);
}

function index(target: Json, key: Json): Json {
  if (Array.isArray(target) && typeof key === "number") {
    const item: Json | undefined = target[key];
    if (item === undefined) throw new EvaluationProblem(`index ${key} is outside the list of ${target.length}`);
    return item;
  }
  if (isJsonObject(target) && typeof key === "string") return field(target, key);
  throw new EvaluationProblem(`${nameOf(target)} cannot be indexed with ${nameOf(key)}`);
}

function has(target: Json, name: string): boolean {
  if (isJsonObject(target)) return Object.hasOwn(target, name);
  throw new EvaluationProblem(`${nameOf(target)} has no fields`);
}

function call(node: Extract<ExpressionNode, { kind: "call" }>, at: Run): Json {
  const callee = functionOf(node.name, node.receiver !== undefined, node.args.length);
  if (callee === undefined) throw new EvaluationProblem(`there is no function \`${node.name}\``);
  const operands = node.receiver === undefined ? node.args : [node.receiver, ...node.args];
  const values = operands.map((operand) => run(operand, at));
  requireKinds(callee, values);
  try {
    const result = limited(callee.run(values));
    for (const value of [...values, result]) at.work.chargeFor(value);
    return result;
  } catch (error) {
    if (error instanceof FunctionProblem) throw new EvaluationProblem(error.message);
    throw error;
  }
}

function requireKinds(callee: ExpressionFunction, values: readonly Json[]): void {
  const expected = callee.receiver === undefined ? callee.args : [callee.receiver, ...callee.args];
  for (const [position, value] of values.entries()) {
    const kinds = expected[position] ?? [];
    if (kinds.some((kind) => kind === "any" || kind === kindOf(value))) continue;
    throw new EvaluationProblem(`${callee.name}(…) takes ${kinds.join(" or ")}, not ${nameOf(value)}`);
  }
}

function comprehend(node: Extract<ExpressionNode, { kind: "macro" }>, at: Run): Json {
  const [first, second] = node.body;
  if (first === undefined) throw new EvaluationProblem(`${node.macro}(…) has no body`);
  const range = rangeOf(run(node.list, at));
  const inside = (item: Json): Run => ({ scope: { ...at.scope, [node.variable]: item }, work: at.work });
  const holds = (item: Json): boolean => truth(run(first, inside(item)), `the condition of ${node.macro}`);
  switch (node.macro) {
    case "all":
      return quantified(range, holds, false);
    case "exists":
      return quantified(range, holds, true);
    case "exists_one":
      return range.filter(holds).length === 1;
    case "filter":
      return range.filter(holds);
    case "map":
      if (second === undefined) return range.map((item) => run(first, inside(item)));
      return range.filter(holds).map((item) => run(second, inside(item)));
  }
}

function rangeOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  if (isJsonObject(value)) return storedOrder(Object.keys(value));
  throw new EvaluationProblem(`${nameOf(value)} is no list`);
}

/** A single deciding item settles `exists` (true) and `all` (false), whatever went wrong with the others. */
function quantified(range: readonly Json[], holds: (item: Json) => boolean, deciding: boolean): boolean {
  let problem: EvaluationProblem | undefined;
  for (const item of range) {
    const outcome = attempt(() => holds(item));
    if (outcome === deciding) return deciding;
    if (typeof outcome !== "boolean") problem ??= outcome;
  }
  if (problem !== undefined) throw problem;
  return !deciding;
}

function decided(left: ExpressionNode, right: ExpressionNode, deciding: boolean, at: Run): boolean {
  const operator = deciding ? "||" : "&&";
  const first = attempt(() => truth(run(left, at), `the left side of ${operator}`));
  if (first === deciding) return deciding;
  const second = truth(run(right, at), `the right side of ${operator}`);
  if (second === deciding || typeof first === "boolean") return second;
  throw first;
}

function attempt(decide: () => boolean): boolean | EvaluationProblem {
  try {
    return decide();
  } catch (error) {
    if (error instanceof EvaluationProblem) return error;
    throw error;
  }
}

function mapOf(entries: readonly (readonly [Json, Json])[]): JsonObject {
  const made: Record<string, Json> = {};
  for (const [key, value] of entries) {
    if (typeof key !== "string") throw new EvaluationProblem(`a key must be a string, not ${nameOf(key)}`);
    if (FORBIDDEN_KEYS.has(key)) throw new EvaluationProblem(`the key "${key}" is not allowed`);
    made[key] = value;
  }
  return made;
}

function truth(value: Json, what: string): boolean {
  if (typeof value === "boolean") return value;
  throw new EvaluationProblem(`${what} must be true or false, is ${nameOf(value)}`);
}
