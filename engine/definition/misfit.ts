import { nearest } from "./suggest.ts";
import { describeType, disjoint, type ValueType } from "./value-type.ts";

/** One reason why a value of a type can never be what is expected. `path` leads to it. */
export interface Misfit {
  readonly reason: "missing" | "extra" | "type";
  readonly path: readonly string[];
  readonly message: string;
  /** Known names beside a missing or extra field, or the texts that are possible. */
  readonly known: readonly string[];
  /** The only text that it could have been. */
  readonly text?: string;
}

/**
 * Why no value of `actual` fits `expected`. A number where an integer is wanted, a text where an enum is, an optional
 * field where a value is needed: those may fit, so they are left to the check of the real value.
 */
export function misfits(actual: ValueType, expected: ValueType, path: readonly string[] = []): readonly Misfit[] {
  if (actual.kind === "any" || expected.kind === "any") return [];
  if (actual.kind === "union") return leastMisfits(actual.of.map((each) => misfits(each, expected, path)));
  if (expected.kind === "union") return unionMisfits(actual, expected.of, expected, path);
  if (actual.kind === "object" && expected.kind === "object") return objectMisfits(actual, expected, path);
  if (actual.kind === "list" && expected.kind === "list") return misfits(actual.item, expected.item, [...path, "*"]);
  const broken =
    expected.kind === "number" && expected.whole === true && actual.kind === "number" && actual.whole === false;
  return broken || disjoint(actual, expected) ? [wrongType(actual, expected, path)] : [];
}

function unionMisfits(
  actual: ValueType,
  choices: readonly ValueType[],
  expected: ValueType,
  path: readonly string[],
): readonly Misfit[] {
  const alike = choices.filter((choice) => choice.kind === actual.kind);
  if (alike.length === 0)
    return choices.some((choice) => choice.kind === "any") ? [] : [wrongType(actual, expected, path)];
  return leastMisfits(alike.map((choice) => misfits(actual, choice, path)));
}

/** Of several alternatives the one that comes closest; none is needed when one fits. */
function leastMisfits(alternatives: readonly (readonly Misfit[])[]): readonly Misfit[] {
  return alternatives.reduce((least, each) => (each.length < least.length ? each : least), alternatives[0] ?? []);
}

type ObjectType = Extract<ValueType, { kind: "object" }>;

function objectMisfits(actual: ObjectType, expected: ObjectType, path: readonly string[]): readonly Misfit[] {
  const found: Misfit[] = [];
  for (const [name, field] of expected.fields) {
    const given = actual.fields.get(name);
    if (given !== undefined) found.push(...misfits(given.type, field.type, [...path, name]));
    else if (!field.optional && !actual.open) found.push(missing(name, field.type, actual, path));
  }
  const extras = [...actual.fields.keys()].filter((name) => !expected.fields.has(name) && !expected.open);
  // A misspelt field is one mistake: what it was meant to be is not missing as well.
  const meant = new Set(extras.map((name) => nearest(name, expected.fields.keys())));
  const others = found.filter((each) => each.reason !== "missing" || !meant.has(each.path.at(path.length) ?? ""));
  return [...others, ...extras.map((name) => extra(name, expected, path))];
}

function missing(name: string, type: ValueType, actual: ObjectType, path: readonly string[]): Misfit {
  const message = `the field \`${[...path, name].join(".")}\` (${describeType(type)}) is missing`;
  return { reason: "missing", path: [...path, name], message, known: [...actual.fields.keys()] };
}

function extra(name: string, expected: ObjectType, path: readonly string[]): Misfit {
  const message = `there is no field \`${[...path, name].join(".")}\` in what is expected`;
  return { reason: "extra", path: [...path, name], message, known: [...expected.fields.keys()] };
}

function wrongType(actual: ValueType, expected: ValueType, path: readonly string[]): Misfit {
  const where = path.length === 0 ? "the value" : `\`${path.join(".")}\``;
  const message = `${where} must be ${describeType(expected)}, is ${describeType(actual)}`;
  const known = expected.kind === "string" ? (expected.values ?? []) : [];
  const [text, ...more] = actual.kind === "string" ? (actual.values ?? []) : [];
  return { reason: "type", path, message, known, ...(text === undefined || more.length > 0 ? {} : { text }) };
}
