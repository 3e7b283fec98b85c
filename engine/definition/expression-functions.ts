import type { Json, JsonObject } from "../core/json.ts";

/** A value kind that a function takes or gives; `any` when it does not matter. */
export type Kind = "string" | "number" | "boolean" | "list" | "object" | "any";

/** One function of the expression language: kinds of its receiver (methods) and arguments, and what it gives. */
export interface ExpressionFunction {
  readonly name: string;
  readonly receiver?: readonly Kind[];
  readonly args: readonly (readonly Kind[])[];
  readonly gives: Kind;
  /** `values`: the receiver, if any, then the arguments, already of the stated kinds. Throws FunctionProblem. */
  run(values: readonly Json[]): Json;
}

/** A function that refuses its arguments, e.g. `int("x")`. */
export class FunctionProblem extends Error {}

const text = (value: Json | undefined): string => String(value);
const number = (value: Json | undefined): number => Number(value);

function method(
  name: string,
  receiver: Kind,
  args: readonly Kind[],
  gives: Kind,
  run: (values: readonly Json[]) => Json,
): ExpressionFunction {
  return { name, receiver: [receiver], args: args.map((kind) => [kind]), gives, run };
}

const FUNCTIONS: readonly ExpressionFunction[] = [
  { name: "size", args: [["string", "list", "object"]], gives: "number", run: ([value]) => size(value) },
  { name: "size", receiver: ["string", "list", "object"], args: [], gives: "number", run: ([value]) => size(value) },
  { name: "string", args: [["string", "number", "boolean"]], gives: "string", run: ([value]) => text(value) },
  { name: "int", args: [["string", "number"]], gives: "number", run: ([value]) => integer(value) },
  { name: "double", args: [["string", "number"]], gives: "number", run: ([value]) => double(value) },
  { name: "dyn", args: [["any"]], gives: "any", run: ([value]) => value ?? null },
  method("contains", "string", ["string"], "boolean", ([value, part]) => text(value).includes(text(part))),
  method("startsWith", "string", ["string"], "boolean", ([value, part]) => text(value).startsWith(text(part))),
  method("endsWith", "string", ["string"], "boolean", ([value, part]) => text(value).endsWith(text(part))),
  method("indexOf", "string", ["string"], "number", ([value, part]) => text(value).indexOf(text(part))),
  method("lastIndexOf", "string", ["string"], "number", ([value, part]) => text(value).lastIndexOf(text(part))),
  method("trim", "string", [], "string", ([value]) => text(value).trim()),
  method("lowerAscii", "string", [], "string", ([value]) => text(value).replace(/[A-Z]/g, (c) => c.toLowerCase())),
  method("upperAscii", "string", [], "string", ([value]) => text(value).replace(/[a-z]/g, (c) => c.toUpperCase())),
  method("replace", "string", ["string", "string"], "string", ([value, from, to]) =>
    text(value).split(text(from)).join(text(to)),
  ),
  method("substring", "string", ["number"], "string", ([value, from]) =>
    substring(text(value), number(from), undefined),
  ),
  method("substring", "string", ["number", "number"], "string", ([value, from, to]) =>
    substring(text(value), number(from), number(to)),
  ),
  method("split", "string", ["string"], "list", ([value, separator]) => text(value).split(text(separator))),
  method("join", "list", [], "string", ([list]) => join(list, "")),
  method("join", "list", ["string"], "string", ([list, separator]) => join(list, text(separator))),
];

const BY_SIGNATURE = new Map(
  FUNCTIONS.map((each) => [signature(each.name, each.receiver !== undefined, each.args.length), each]),
);

function signature(name: string, asMethod: boolean, args: number): string {
  return `${asMethod ? "." : ""}${name}/${args}`;
}

export function isFunction(name: string, asMethod: boolean, args: number): boolean {
  return BY_SIGNATURE.has(signature(name, asMethod, args));
}

export function functionOf(name: string, asMethod: boolean, args: number): ExpressionFunction | undefined {
  return BY_SIGNATURE.get(signature(name, asMethod, args));
}

/** Names for suggestions, macros and `has` included. */
export function functionNames(asMethod: boolean): readonly string[] {
  const names = FUNCTIONS.filter((each) => (each.receiver !== undefined) === asMethod).map((each) => each.name);
  return [...new Set([...names, ...(asMethod ? ["all", "exists", "exists_one", "map", "filter"] : ["has"])])];
}

function size(value: Json | undefined): number {
  if (typeof value === "string") return [...value].length;
  if (Array.isArray(value)) return value.length;
  return Object.keys((value ?? {}) as JsonObject).length;
}

/** Cuts the fraction off, towards zero; a string must be a whole decimal number. */
function integer(value: Json | undefined): number {
  const result =
    typeof value === "string" ? (/^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN) : Math.trunc(number(value));
  if (!Number.isSafeInteger(result)) throw new FunctionProblem("int(…) cannot make an exact integer of this value");
  return result;
}

function double(value: Json | undefined): number {
  const decimal = typeof value !== "string" || /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value);
  const result = decimal ? number(value) : Number.NaN;
  if (!Number.isFinite(result)) throw new FunctionProblem("double(…) cannot make a number of this value");
  return result;
}

function substring(value: string, from: number, to: number | undefined): string {
  const end = to ?? value.length;
  if (!Number.isInteger(from) || !Number.isInteger(end) || from < 0 || end < from || end > value.length) {
    throw new FunctionProblem(`substring(…) reaches outside the string of ${value.length} characters`);
  }
  return value.slice(from, end);
}

function join(list: Json | undefined, separator: string): string {
  const items = Array.isArray(list) ? list : [];
  if (!items.every((item) => typeof item === "string")) throw new FunctionProblem("join(…) needs a list of strings");
  return items.join(separator);
}
