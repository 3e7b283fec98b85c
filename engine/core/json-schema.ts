import type { Problem } from "./domain.ts";
import { ruleText } from "./issue.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { pointerTo } from "./shape.ts";

/**
 * What is wrong with a value by a JSON schema, in the words of the handler's own parser. For the schemas of domains that
 * run in another process: those keywords that a valibot schema becomes. What is left out here (formats, rules that are
 * code) the handler's parser refuses later: this check may let through too much, never too little.
 */
export function schemaProblems(schema: Json, value: unknown): Problem[] {
  return problems(schema, value, { root: schema, path: "", depth: 0 });
}

interface Place {
  readonly root: Json;
  readonly path: string;
  /** References followed so far on this path; a schema that refers to itself for ever ends. */
  readonly depth: number;
}

const DEPTH_MAX = 64;

function problems(schema: Json | undefined, value: unknown, at: Place): Problem[] {
  if (schema === false) return [{ path: at.path, message: "is not a known field" }];
  if (!isJsonObject(schema)) return [];
  if (value === undefined) return [{ path: at.path, message: "is missing" }];
  if (typeof schema["$ref"] === "string") {
    if (at.depth >= DEPTH_MAX) return [];
    return problems(referenced(schema["$ref"], at.root), value, { ...at, depth: at.depth + 1 });
  }
  const wrongType = typeProblem(schema, value);
  if (wrongType !== undefined) return [{ path: at.path, message: wrongType }];
  return [
    ...valueProblems(schema, value).map((message) => ({ path: at.path, message })),
    ...choiceProblems(schema, value, at),
    ...(Array.isArray(value) ? itemProblems(schema, value, at) : []),
    ...(isJsonObject(value as Json) ? fieldProblems(schema, value as JsonObject, at) : []),
  ];
}

/** Names as valibot says them. */
const NAMES: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  null: "null",
  array: "Array",
  object: "Object",
};

function typeProblem({ type }: JsonObject, value: unknown): string | undefined {
  if (type === undefined) return undefined;
  const types = (Array.isArray(type) ? type : [type]).map(String);
  if (types.some((name) => isOf(name, value))) return undefined;
  if (types.includes("integer") && typeof value === "number") return broken("integer", null, value);
  return expected(
    types.map((name) => NAMES[name] ?? name),
    value,
  );
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isJsonObject(value as Json);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function valueProblems(schema: JsonObject, value: unknown): string[] {
  if (schema["const"] !== undefined && !same(schema["const"], value)) return [expected([text(schema["const"])], value)];
  const choices = schema["enum"];
  if (Array.isArray(choices) && !choices.some((each: Json) => same(each, value))) {
    return [expected(choices.map(text), value)];
  }
  // A valibot schema counts UTF-16 units; by code points something would pass here that the handler refuses.
  if (typeof value === "string")
    return [...lengths(schema, ["minLength", "maxLength"], value), ...patternProblem(schema, value)];
  if (typeof value === "number") return bounds(schema, value);
  return Array.isArray(value) ? lengths(schema, ["minItems", "maxItems"], value) : [];
}

function lengths(
  schema: JsonObject,
  [least, most]: readonly [string, string],
  value: string | readonly unknown[],
): string[] {
  const [min, max] = [schema[least], schema[most]];
  const { length } = value;
  if (min === max) return typeof min === "number" && length !== min ? [broken("length", `${min}`, value)] : [];
  return [
    ...(typeof min === "number" && length < min ? [broken("min_length", `>=${min}`, value)] : []),
    ...(typeof max === "number" && length > max ? [broken("max_length", `<=${max}`, value)] : []),
  ];
}

function bounds(schema: JsonObject, value: number): string[] {
  const { minimum: min, maximum: max, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema;
  return [
    ...(typeof min === "number" && value < min ? [broken("min_value", `>=${min}`, value)] : []),
    ...(typeof max === "number" && value > max ? [broken("max_value", `<=${max}`, value)] : []),
    ...(typeof above === "number" && value <= above ? [broken("gt_value", `>${above}`, value)] : []),
    ...(typeof below === "number" && value >= below ? [broken("lt_value", `<${below}`, value)] : []),
    ...(typeof multipleOf === "number" && value % multipleOf !== 0
      ? [broken("multiple_of", `%${multipleOf}`, value)]
      : []),
  ];
}

function patternProblem({ pattern }: JsonObject, value: string): string[] {
  return typeof pattern !== "string" || matches(pattern, value) ? [] : [broken("regex", pattern, value)];
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // Written for other flags: the handler's parser has them.
    return true;
  }
}

function choiceProblems(schema: JsonObject, value: unknown, at: Place): Problem[] {
  const all = Array.isArray(schema["allOf"]) ? schema["allOf"] : [];
  const found = all.flatMap((each: Json) => problems(each, value, at));
  const any = schema["anyOf"] ?? schema["oneOf"];
  if (!Array.isArray(any)) return found;
  const tries = any.map((each: Json) => problems(each, value, at));
  if (tries.some((each) => each.length === 0)) return found;
  // Of "this or null" the null tells nothing; else the choice that came closest tells most: something inside it is wrong.
  const told = tries.filter((_each, index) => !isNull(any[index]));
  const closest =
    told.length === 1 ? told[0] : told.find((each) => each.every(({ path }) => path.length > at.path.length));
  return [...found, ...(closest ?? [{ path: at.path, message: "fits none of the allowed forms" }])];
}

function isNull(schema: Json | undefined): boolean {
  return isJsonObject(schema) && schema["type"] === "null";
}

function itemProblems(schema: JsonObject, value: readonly unknown[], at: Place): Problem[] {
  const first = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
  return value.flatMap((item, index) =>
    problems(first[index] ?? schema["items"], item ?? null, { ...at, path: pointerTo(at.path, index) }),
  );
}

function fieldProblems(schema: JsonObject, value: JsonObject, at: Place): Problem[] {
  const known = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const own = Object.hasOwn(known, name) ? known[name] : schema["additionalProperties"];
    return problems(own, field, { ...at, path: pointerTo(at.path, name) });
  });
  return [...missing.map((name) => ({ path: pointerTo(at.path, name), message: "is missing" })), ...fields];
}

function referenced(pointer: string, root: Json): Json | undefined {
  let at: Json | undefined = pointer.startsWith("#") ? root : undefined;
  for (const segment of pointer.split("/").slice(1)) {
    at = isJsonObject(at) ? at[segment.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return at;
}

function expected(choices: readonly string[], value: unknown): string {
  return broken("type", choices.length === 1 ? String(choices[0]) : `(${choices.join(" | ")})`, value);
}

/** `type` and `rule` as valibot has them: the words for both are the same. */
function broken(type: string, rule: string | null, value: unknown): string {
  return ruleText({ type, expected: rule, input: value });
}

function text(value: Json): string {
  return JSON.stringify(value);
}

function same(left: Json, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
