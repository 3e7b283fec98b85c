import { isJsonObject, type Json } from "../core/json.ts";
import type { BinaryOperator } from "./expression-node.ts";
import { EvaluationProblem, limited, nameOf, type Work } from "./expression-work.ts";

/** Applies a binary operator. @throws EvaluationProblem */
export function applyBinary(operator: BinaryOperator, left: Json, right: Json, work: Work): Json {
  work.chargeFor(left);
  work.chargeFor(right);
  switch (operator) {
    case "==":
      return equal(left, right, work);
    case "!=":
      return !equal(left, right, work);
    case "in":
      return contains(right, left, work);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return ordered(operator, left, right);
    case "+":
      return add(left, right);
    default:
      return exact(arithmetic(operator, numberOf(left, operator), numberOf(right, operator)));
  }
}

/** Deep and without coercion; values of different kinds are just not equal. */
function equal(left: Json, right: Json, work: Work): boolean {
  work.charge(1);
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    const other: readonly Json[] = right;
    return (
      left.length === other.length && left.every((item: Json, position) => equal(item, other[position] ?? null, work))
    );
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name] ?? null, right[name] ?? null, work))
  );
}

function contains(container: Json, value: Json, work: Work): boolean {
  if (Array.isArray(container)) return container.some((item: Json) => equal(item, value, work));
  if (isJsonObject(container)) return typeof value === "string" && Object.hasOwn(container, value);
  throw new EvaluationProblem(`nothing can be in ${nameOf(container)}`);
}

function ordered(operator: "<" | "<=" | ">" | ">=", left: Json, right: Json): boolean {
  const order = compare(left, right, operator);
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

function compare(left: Json, right: Json, operator: string): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  // By code unit, never by locale: every machine must decide alike.
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  throw new EvaluationProblem(`${nameOf(left)} ${operator} ${nameOf(right)} cannot be compared`);
}

function add(left: Json, right: Json): Json {
  if (typeof left === "string" && typeof right === "string") return limited(left + right);
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  return exact(numberOf(left, "+") + numberOf(right, "+"));
}

function arithmetic(operator: BinaryOperator, left: number, right: number): number {
  if ((operator === "/" || operator === "%") && right === 0) throw new EvaluationProblem("division by zero");
  switch (operator) {
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    default:
      return left % right;
  }
}

function exact(value: number): number {
  if (!Number.isFinite(value)) throw new EvaluationProblem("the result is too large for a number");
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new EvaluationProblem("the result is not exact");
  // JSON has no -0, and what is recorded must equal what was decided on.
  return value === 0 ? 0 : value;
}

/** @throws EvaluationProblem when the operand is no number. */
export function numberOf(value: Json, operator: string): number {
  if (typeof value === "number") return value;
  throw new EvaluationProblem(`${operator} needs numbers, not ${nameOf(value)}`);
}
