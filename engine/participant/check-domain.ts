import type { Projection, StepSpec } from "../sdk.ts";
import { suggestOrList } from "../definition/suggest.ts";
import { EVENT_TYPES } from "./timeline-events.ts";

/** One mistake in what a domain declares: what is wrong, and what to do. */
export interface Misdeclared {
  readonly message: string;
  readonly hint: string;
}

const DOMAIN_KEYS: readonly string[] = ["name", "steps", "projections"];
const STEP_KEYS: readonly (keyof StepSpec)[] = ["input", "output", "run", "runMany", "external"];
const PROJECTION_KEYS: readonly (keyof Projection)[] = ["on", "table", "apply", "rebuild"];

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a domain declares wrongly. Its types say the same, but nothing keeps a file with type errors from being loaded: a
 * mistyped `run` would be a step that another program handles, and its sagas would wait for ever.
 */
export function misdeclared(name: string, domain: Fields): readonly Misdeclared[] {
  const { steps, projections } = domain;
  const whole = `domain "${name}"`;
  return [
    ...unknownKeys(whole, domain, DOMAIN_KEYS),
    ...(isFields(steps) ? [] : [wrong(whole, "steps", "is no map of steps")]),
    ...(isFields(projections) ? [] : [wrong(whole, "projections", "is no map of projections")]),
    ...each(steps, (step, key) => stepFaults(`${whole}, step "${key}"`, step)),
    ...each(projections, (projection, key) => projectionFaults(`${whole}, projection "${key}"`, projection)),
  ];
}

function stepFaults(where: string, step: unknown): readonly Misdeclared[] {
  if (!isFields(step)) return [{ message: `${where}: is no object`, hint: "A step is { input, output, run }." }];
  return [
    ...unknownKeys(where, step, STEP_KEYS),
    ...schemaFaults(where, "input", step["input"]),
    ...(step["output"] === undefined ? [] : schemaFaults(where, "output", step["output"])),
    ...optional(where, step, "run", "function"),
    ...optional(where, step, "runMany", "function"),
    ...optional(where, step, "external", "boolean"),
  ];
}

function projectionFaults(where: string, projection: unknown): readonly Misdeclared[] {
  if (!isFields(projection))
    return [{ message: `${where}: is no object`, hint: "A projection is { on, apply, rebuild }." }];
  const { on, apply, table, rebuild } = projection;
  const types = Array.isArray(on) && on.every((type) => typeof type === "string");
  return [
    ...unknownKeys(where, projection, PROJECTION_KEYS),
    ...(types ? on.flatMap((type) => typeFault(where, type)) : [wrong(where, "on", "is no list of event types")]),
    ...(typeof apply === "function" ? [] : [wrong(where, "apply", NO_FUNCTION)]),
    ...optional(where, projection, "table", "string"),
    // It is not called where the engine builds the table beside the old one.
    ...(typeof rebuild === "function" || (rebuild === undefined && table !== undefined)
      ? []
      : [wrong(where, "rebuild", NO_FUNCTION)]),
  ];
}

/** It would never see an event, and nobody would be told. */
function typeFault(where: string, type: string): readonly Misdeclared[] {
  if (EVENT_TYPES.includes(type)) return [];
  return [{ message: `${where}: \`on\` names no type of event: ${type}`, hint: suggestOrList(type, EVENT_TYPES) }];
}

const NO_FUNCTION = "is no function";
const NO = { function: NO_FUNCTION, boolean: "is neither true nor false", string: "is no text" };

function optional(where: string, fields: Fields, key: string, type: keyof typeof NO): readonly Misdeclared[] {
  const value = fields[key];
  // A key whose import is not there is undefined too, and not left out: `run: handlers.ticket`.
  const fits = value === undefined ? !Object.hasOwn(fields, key) || key !== "run" : typeof value === type;
  return fits ? [] : [wrong(where, key, NO[type])];
}

function schemaFaults(where: string, key: string, schema: unknown): readonly Misdeclared[] {
  const isSchema = isFields(schema) && schema["kind"] === "schema" && typeof schema["~run"] === "function";
  if (isSchema && schema["async"] !== true) return [];
  const what = isSchema ? "is an asynchronous schema, and messages are parsed at once" : "is no valibot schema";
  return [{ message: `${where}: \`${key}\` ${what}`, hint: "As v.strictObject({ amount: v.number() })." }];
}

function unknownKeys(where: string, fields: Fields, known: readonly string[]): readonly Misdeclared[] {
  return Object.keys(fields)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const isHandler = known.includes("run") && fields["run"] === undefined && typeof fields[key] === "function";
      const hint = isHandler ? "Did you mean `run`?" : suggestOrList(key, known);
      return { message: `${where}: there is no key \`${key}\``, hint };
    });
}

function wrong(where: string, key: string, what: string): Misdeclared {
  return { message: `${where}: \`${key}\` ${what}`, hint: HINTS[key] ?? "Leave it out, or give it what it takes." };
}

const HINTS: Readonly<Record<string, string>> = {
  steps: "Export defineDomain({ name, steps: { … } }).",
  projections: "Export defineDomain({ name, steps, projections: { … } }).",
  run: "Give it the handler itself, or leave `run` out: another program then handles the command.",
  on: 'As ["saga.completed"].',
  rebuild: "It empties the read model; with `table` it may be left out.",
};

function each(map: unknown, faults: (value: unknown, key: string) => readonly Misdeclared[]): readonly Misdeclared[] {
  return isFields(map) ? Object.entries(map).flatMap(([key, value]) => faults(value, key)) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
