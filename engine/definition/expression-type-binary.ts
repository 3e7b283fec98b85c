import type { BinaryOperator, ExpressionNode } from "./expression-node.ts";
import { suggest } from "./suggest.ts";
import type { TypeEnvironment } from "./type-environment.ts";
import {
  ANY,
  BOOLEAN,
  couldBe,
  describeType,
  disjoint,
  NUMBER,
  STRING,
  typeOfJson,
  unionOf,
  type ValueType,
} from "./value-type.ts";

type Binary = Extract<ExpressionNode, { kind: "binary" }>;

/** The type of `left operator right`; reports operands that can never work together. */
export function typeOfBinary(node: Binary, left: ValueType, right: ValueType, environment: TypeEnvironment): ValueType {
  switch (node.operator) {
    case "==":
    case "!=":
      checkEquality(node, left, right, environment);
      return BOOLEAN;
    case "in":
      checkMembership(node, left, right, environment);
      return BOOLEAN;
    case "<":
    case "<=":
    case ">":
    case ">=":
      requireOne(node, left, right, ["number", "string"], environment);
      return BOOLEAN;
    case "+":
      requireOne(node, left, right, ["number", "string", "list"], environment);
      return sumOf(left, right);
    default:
      requireOne(node, left, right, ["number"], environment);
      return isWhole(left) && isWhole(right) && node.operator !== "/" ? { kind: "number", whole: true } : NUMBER;
  }
}

function checkEquality(node: Binary, left: ValueType, right: ValueType, environment: TypeEnvironment): void {
  // A comparison with null is a question whether there is a value, and always allowed.
  if (left.kind === "null" || right.kind === "null" || !disjoint(left, right)) return;
  const [literal, other] = node.left.kind === "literal" ? [node.left, right] : [node.right, left];
  const message = `this is never equal: ${describeType(left)} and ${describeType(right)}`;
  environment.report("definition.impossible-comparison", literal.at, message, comparisonHint(literal, other));
}

function comparisonHint(literal: ExpressionNode, other: ValueType): string {
  const values = other.kind === "string" ? (other.values ?? []) : [];
  const text = literal.kind === "literal" ? String(literal.value) : "";
  if (values.length > 0) return suggest(text, values) ?? `Possible values: ${values.join(", ")}.`;
  return "Compare values of the same kind; convert with string(…) or double(…).";
}

function checkMembership(node: Binary, left: ValueType, right: ValueType, environment: TypeEnvironment): void {
  if (!couldBe(right, "list", "object")) {
    const message = `\`in\` needs a list or an object, not ${describeType(right)}`;
    environment.report("definition.expression-type", node.right.at, message, "Write value in ['a', 'b'].");
  } else if (node.right.kind === "list") {
    checkItems(node.right.items, left, environment);
  } else if (right.kind === "list" && disjoint(left, right.item)) {
    const message = `this is never in the list: ${describeType(left)} and ${describeType(right.item)}`;
    const hint = "Compare values of the same kind.";
    environment.report("definition.impossible-comparison", node.left.at, message, hint);
  }
}

function checkItems(items: readonly ExpressionNode[], left: ValueType, environment: TypeEnvironment): void {
  for (const item of items) {
    if (item.kind !== "literal" || item.value === null) continue;
    const type = typeOfJson(item.value);
    if (!disjoint(left, type)) continue;
    const message = `this is never equal: ${describeType(left)} and ${describeType(type)}`;
    environment.report("definition.impossible-comparison", item.at, message, comparisonHint(item, left));
  }
}

function requireOne(
  node: Binary,
  left: ValueType,
  right: ValueType,
  kinds: readonly ("number" | "string" | "list")[],
  environment: TypeEnvironment,
): void {
  if (kinds.some((kind) => couldBe(left, kind) && couldBe(right, kind))) return;
  const message = `${describeType(left)} ${node.operator} ${describeType(right)} does not work`;
  const wrong = kinds.some((kind) => couldBe(left, kind)) ? node.right : node.left;
  environment.report("definition.expression-type", wrong.at, message, hintFor(node.operator));
}

function hintFor(operator: BinaryOperator): string {
  return operator === "+"
    ? "Join texts with texts: 'no. ' + string(n)."
    : "Both sides must be of one kind; convert with double(…).";
}

function sumOf(left: ValueType, right: ValueType): ValueType {
  if (left.kind === "string" || right.kind === "string") return STRING;
  if (left.kind === "number" || right.kind === "number")
    return isWhole(left) && isWhole(right) ? { kind: "number", whole: true } : NUMBER;
  if (left.kind === "list" && right.kind === "list") return { kind: "list", item: unionOf([left.item, right.item]) };
  return ANY;
}

function isWhole(type: ValueType): boolean {
  return type.kind === "number" && type.whole === true;
}
