import { type ExpressionFunction, functionOf, type Kind } from "./expression-functions.ts";
import type { ExpressionNode } from "./expression-node.ts";
import {
  type FieldNode,
  fieldOf,
  lookUp,
  pathOf,
  storeOf,
  typeInStore,
  typeOfName,
  warnOfAbsence,
} from "./expression-names.ts";
import { typeOfBinary } from "./expression-type-binary.ts";
import type { TypeEnvironment } from "./type-environment.ts";
import {
  ANY,
  BOOLEAN,
  couldBe,
  describeType,
  NUMBER,
  STRING,
  typeOfJson,
  type FieldType,
  unionOf,
  type ValueType,
} from "./value-type.ts";

/** Infers an expression's type and reports what can never work. */
export function typeOfNode(node: ExpressionNode, environment: TypeEnvironment): ValueType {
  const inside = (child: ExpressionNode): ValueType => typeOfNode(child, environment);
  switch (node.kind) {
    case "literal":
      return typeOfJson(node.value);
    case "name":
      return typeOfName(node, environment);
    case "field":
      return typeOfField(node, environment);
    case "index":
      return typeOfIndex(node, environment);
    case "has":
      return typeOfHas(node, environment);
    case "call":
      return typeOfCall(node, environment);
    case "macro":
      return typeOfMacro(node, environment);
    case "list":
      return { kind: "list", item: node.items.length === 0 ? ANY : unionOf(node.items.map(inside)) };
    case "map":
      return typeOfMap(node, environment);
    case "conditional":
      requireBoolean(node.condition, environment);
      return unionOf([
        typeOfNode(node.yes, provenIn(environment, node.condition, true)),
        typeOfNode(node.no, provenIn(environment, node.condition, false)),
      ]);
    case "and":
    case "or":
      requireBoolean(node.left, environment);
      requireBoolean(node.right, provenIn(environment, node.left, node.kind === "and"));
      return BOOLEAN;
    case "not":
      requireBoolean(node.operand, environment);
      return BOOLEAN;
    case "negate":
      return typeOfNegation(node, environment);
    case "binary":
      return typeOfBinary(node, inside(node.left), inside(node.right), environment);
  }
}

function typeOfNegation(
  node: { readonly at: number; readonly operand: ExpressionNode },
  environment: TypeEnvironment,
): ValueType {
  const operand = typeOfNode(node.operand, environment);
  if (operand.kind === "number") return operand;
  if (!couldBe(operand, "number")) {
    const message = `only a number can be negated, not ${describeType(operand)}`;
    environment.report("definition.expression-type", node.at, message, "Use `!` for true and false.");
  }
  return NUMBER;
}

/** Paths whose presence follows from a condition that came out as `truth`. */
export function provenBy(node: ExpressionNode, truth: boolean): ReadonlySet<string> {
  switch (node.kind) {
    case "has": {
      const path = pathOf(node.target);
      return truth && path !== undefined ? new Set([`${path}.${node.name}`]) : new Set();
    }
    case "not":
      return provenBy(node.operand, !truth);
    case "and":
    case "or":
      if ((node.kind === "and") !== truth) return new Set();
      return new Set([...provenBy(node.left, truth), ...provenBy(node.right, truth)]);
    default:
      return new Set();
  }
}

function provenIn(environment: TypeEnvironment, condition: ExpressionNode, truth: boolean): TypeEnvironment {
  const more = provenBy(condition, truth);
  return more.size === 0 ? environment : { ...environment, proven: new Set([...environment.proven, ...more]) };
}

function typeOfField(node: FieldNode, environment: TypeEnvironment): ValueType {
  const store = storeOf(node.target, environment);
  if (store !== undefined) return typeInStore(store, node.name, node.at, environment);
  const field = fieldOf(typeOfNode(node.target, environment), node, environment);
  if (field?.optional === true) warnOfAbsence(node, environment);
  return field?.type ?? ANY;
}

function typeOfIndex(node: Extract<ExpressionNode, { kind: "index" }>, environment: TypeEnvironment): ValueType {
  const key = node.index;
  if (key.kind === "literal" && typeof key.value === "string") {
    return typeOfField({ at: key.at, target: node.target, name: key.value }, environment);
  }
  const target = typeOfNode(node.target, environment);
  const index = typeOfNode(key, environment);
  const lists = (target.kind === "union" ? target.of : [target]).filter((each) => each.kind === "list");
  const fits =
    (couldBe(target, "list") && couldBe(index, "number")) || (couldBe(target, "object") && couldBe(index, "string"));
  if (!fits) {
    const message = `${describeType(target)} cannot be indexed with ${describeType(index)}`;
    environment.report(
      "definition.expression-type",
      key.at,
      message,
      "Index a list with a number, an object with a text.",
    );
  }
  return lists.length > 0 && !couldBe(target, "object") ? unionOf(lists.map((each) => each.item)) : ANY;
}

function typeOfHas(node: Extract<ExpressionNode, { kind: "has" }>, environment: TypeEnvironment): ValueType {
  const store = storeOf(node.target, environment);
  if (store !== undefined) {
    // Asking is always allowed, but not for a step that the file does not have.
    if (lookUp(store, node.name, environment) === undefined) typeInStore(store, node.name, node.at, environment);
  } else {
    fieldOf(typeOfNode(node.target, environment), node, environment);
  }
  return BOOLEAN;
}

const TYPE_OF_KIND: Readonly<Record<Kind, ValueType>> = {
  string: STRING,
  number: NUMBER,
  boolean: BOOLEAN,
  any: ANY,
  list: { kind: "list", item: ANY },
  object: { kind: "object", fields: new Map(), open: true },
};

function typeOfCall(node: Extract<ExpressionNode, { kind: "call" }>, environment: TypeEnvironment): ValueType {
  const operands = node.receiver === undefined ? node.args : [node.receiver, ...node.args];
  const types = operands.map((operand) => typeOfNode(operand, environment));
  const callee = functionOf(node.name, node.receiver !== undefined, node.args.length);
  if (callee === undefined) return ANY;
  checkOperands(callee, types, operands, environment);
  return callee.name === "int" || callee.name === "size" ? { kind: "number", whole: true } : TYPE_OF_KIND[callee.gives];
}

function checkOperands(
  callee: ExpressionFunction,
  types: readonly ValueType[],
  operands: readonly ExpressionNode[],
  environment: TypeEnvironment,
): void {
  const expected = callee.receiver === undefined ? callee.args : [callee.receiver, ...callee.args];
  for (const [position, type] of types.entries()) {
    const kinds = expected[position] ?? ["any"];
    if (kinds.includes("any") || couldBe(type, ...kinds)) continue;
    const message = `${callee.name}(…) takes ${kinds.join(" or ")}, not ${describeType(type)}`;
    const hint =
      callee.name === "contains" && position === 0 && type.kind === "list"
        ? "Ask `'a' in list`: `contains` looks into a text."
        : "Convert it with string(…), int(…) or double(…).";
    environment.report("definition.expression-type", operands[position]?.at ?? 0, message, hint);
  }
}

function typeOfMacro(node: Extract<ExpressionNode, { kind: "macro" }>, environment: TypeEnvironment): ValueType {
  const list = typeOfNode(node.list, environment);
  if (!couldBe(list, "list", "object")) {
    const message = `${node.macro}(…) needs a list, not ${describeType(list)}`;
    environment.report("definition.expression-type", node.at, message, "Call it on a list.");
  }
  const item = list.kind === "list" ? list.item : ANY;
  const inner: TypeEnvironment = { ...environment, names: new Map([...environment.names, [node.variable, item]]) };
  const [first, second] = node.body;
  if (first === undefined) return ANY;
  if (node.macro === "map" && second === undefined) return { kind: "list", item: typeOfNode(first, inner) };
  requireBoolean(first, inner);
  if (node.macro === "filter") return { kind: "list", item };
  return second === undefined ? BOOLEAN : { kind: "list", item: typeOfNode(second, inner) };
}

function typeOfMap(node: Extract<ExpressionNode, { kind: "map" }>, environment: TypeEnvironment): ValueType {
  const fields = new Map<string, FieldType>();
  let open = false;
  for (const [key, value] of node.entries) {
    const type = typeOfNode(value, environment);
    const keyType = typeOfNode(key, environment);
    if (key.kind === "literal" && typeof key.value === "string") fields.set(key.value, { type, optional: false });
    else open = true;
    if (couldBe(keyType, "string")) continue;
    environment.report(
      "definition.expression-type",
      key.at,
      `a key must be text, not ${describeType(keyType)}`,
      "Quote the key.",
    );
  }
  return { kind: "object", fields, open };
}

function requireBoolean(node: ExpressionNode, environment: TypeEnvironment): void {
  const type = typeOfNode(node, environment);
  if (couldBe(type, "boolean")) return;
  const message = `this must be true or false, is ${describeType(type)}`;
  environment.report("definition.expression-type", node.at, message, "Compare it with something: == != < >.");
}
