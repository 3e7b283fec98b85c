import type { Shape } from "../core/definition.ts";
import type { Json } from "../core/json.ts";

/**
 * What the checks know of a value before there is one. `any` means nothing is known and everything is accepted: a check
 * speaks up only when no value could be right.
 */
export type ValueType =
  | { readonly kind: "any" | "null" | "boolean" }
  /** `values`: the only texts it can be, from an enum or a literal. */
  | { readonly kind: "string"; readonly values?: readonly string[] }
  /** `whole: false` means certainly not an integer; undefined means it may be either. */
  | { readonly kind: "number"; readonly whole?: boolean }
  | { readonly kind: "list"; readonly item: ValueType }
  /** `open`: it may have fields that are not named here. */
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, FieldType>; readonly open: boolean }
  | { readonly kind: "union"; readonly of: readonly ValueType[] };

export interface FieldType {
  readonly type: ValueType;
  readonly optional: boolean;
}

export const ANY: ValueType = { kind: "any" };
export const STRING: ValueType = { kind: "string" };
export const NUMBER: ValueType = { kind: "number" };
export const WHOLE: ValueType = { kind: "number", whole: true };
export const BOOLEAN: ValueType = { kind: "boolean" };
export const NULL: ValueType = { kind: "null" };

/** An object with exactly these fields. */
export function closedObject(fields: Readonly<Record<string, ValueType>>): ValueType {
  const entries = Object.entries(fields).map(([name, type]) => [name, { type, optional: false }] as const);
  return { kind: "object", open: false, fields: new Map(entries) };
}

/** One of several types; nested unions are flattened and `any` swallows the rest. */
export function unionOf(types: readonly ValueType[]): ValueType {
  const flat = types.flatMap((type) => (type.kind === "union" ? type.of : [type]));
  const texts = flat.filter((type) => type.kind === "string");
  const others = new Map(flat.filter((type) => type.kind !== "string").map((type) => [keyOf(type), type]));
  const merged = [...others.values(), ...mergedTexts(texts)];
  const [only] = merged;
  if (only === undefined || merged.some((type) => type.kind === "any")) return ANY;
  return merged.length === 1 ? only : { kind: "union", of: merged };
}

/** Equal for types that a union needs only once; lists and objects are kept apart. */
function keyOf(type: ValueType): unknown {
  if (type.kind === "number") return `number ${type.whole ?? ""}`;
  return type.kind === "list" || type.kind === "object" ? type : type.kind;
}

/** Alternatives of the same kind of text are one enum, so that comparisons see all its values. */
function mergedTexts(texts: readonly Extract<ValueType, { kind: "string" }>[]): readonly ValueType[] {
  if (texts.length === 0) return [];
  const values = texts.flatMap((type) => type.values ?? []);
  return [texts.some((type) => type.values === undefined) ? STRING : { kind: "string", values: [...new Set(values)] }];
}

export function typeOfShape(shape: Shape): ValueType {
  switch (shape.kind) {
    case "string":
    case "date":
      return STRING;
    case "number":
      return NUMBER;
    case "integer":
      return WHOLE;
    case "boolean":
      return BOOLEAN;
    case "any":
      return ANY;
    case "enum":
      return { kind: "string", values: shape.values };
    case "list":
      return { kind: "list", item: typeOfShape(shape.item) };
    case "object":
      return objectOfShape(shape.fields);
  }
}

function objectOfShape(fields: Readonly<Record<string, Shape>> | undefined): ValueType {
  const entries = Object.entries(fields ?? {}).map(
    ([name, shape]) => [name, { type: typeOfShape(shape), optional: shape.optional }] as const,
  );
  return { kind: "object", open: fields === undefined, fields: new Map(entries) };
}

/** The type of a literal: a text is an enum of one. */
export function typeOfJson(value: Json): ValueType {
  if (value === null) return NULL;
  if (typeof value === "boolean") return BOOLEAN;
  if (typeof value === "string") return { kind: "string", values: [value] };
  if (typeof value === "number") return { kind: "number", whole: Number.isInteger(value) };
  if (Array.isArray(value)) return { kind: "list", item: unionOf(value.map((item: Json) => typeOfJson(item))) };
  return closedObject(Object.fromEntries(Object.entries(value).map(([name, each]) => [name, typeOfJson(each)])));
}

/** Names a type in a message. */
export function describeType(type: ValueType): string {
  switch (type.kind) {
    case "any":
      return "anything";
    case "null":
      return "null";
    case "string":
      return type.values === undefined ? "a string" : describeValues(type.values);
    case "number":
      return type.whole === true ? "an integer" : "a number";
    case "boolean":
      return "true or false";
    case "list":
      return "a list";
    case "object":
      return "an object";
    case "union":
      return type.of.map(describeType).join(" or ");
  }
}

function describeValues(values: readonly string[]): string {
  const [only] = values;
  if (values.length === 1) return `'${only}'`;
  return `one of ${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}`;
}

/** True when some value of the type has one of these kinds. */
export function couldBe(type: ValueType, ...kinds: readonly ValueType["kind"][]): boolean {
  if (type.kind === "union") return type.of.some((each) => couldBe(each, ...kinds));
  return type.kind === "any" || kinds.includes(type.kind);
}

/** True when no value belongs to both types. */
export function disjoint(left: ValueType, right: ValueType): boolean {
  if (left.kind === "any" || right.kind === "any") return false;
  if (left.kind === "union") return left.of.every((each) => disjoint(each, right));
  if (right.kind === "union") return right.of.every((each) => disjoint(left, each));
  if (left.kind === "string" && right.kind === "string" && left.values !== undefined && right.values !== undefined) {
    const others = right.values;
    return !left.values.some((value) => others.includes(value));
  }
  return left.kind !== right.kind;
}
