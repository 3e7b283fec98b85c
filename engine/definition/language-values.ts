import type { JsonObject } from "../core/json.ts";

/** What a key's value can be. */
export type Value = keyof typeof VALUES;

interface ValueRule {
  /** For the reference. */
  readonly says: string;
  /** For editors: a JSON schema, which may refer to `#/definitions/…`. It lets through what the loader refuses. */
  readonly schema: JsonObject;
}

const text = (pattern?: string): JsonObject =>
  pattern === undefined ? { type: "string" } : { type: "string", pattern };
const refer = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });
const mapOf = (schema: JsonObject): JsonObject => ({ type: "object", additionalProperties: schema });
const anyOf = (...schemas: readonly JsonObject[]): JsonObject => ({ anyOf: schemas });
const whole = (minimum: number, maximum?: number): JsonObject => ({
  type: "integer",
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});

const NAME = text("^[a-z][a-z0-9_]{0,47}$");
const VARIABLE = text("^[a-z][A-Za-z0-9_]{0,47}$");
const COMMAND = text("^[a-z][a-z0-9_]{0,47}\\.[a-z][a-z0-9_]{0,47}$");
/** `if: true` is a boolean to YAML. */
const EXPRESSION: JsonObject = { type: ["string", "boolean", "number"] };
const STEPS = refer("steps");

/** The kinds of values: how the reference calls them, and how an editor checks them. */
export const VALUES = {
  name: { says: "name", schema: NAME },
  variable: { says: "name, which may have capitals", schema: VARIABLE },
  text: { says: "text", schema: text() },
  version: { says: "whole number from 1", schema: whole(1) },
  duration: { says: "duration", schema: text() },
  expression: { says: "expression", schema: EXPRESSION },
  value: { says: "any value with `${ expression }` in it", schema: {} },
  values: { says: "map of values", schema: mapOf({}) },
  input: { says: "map, or one `${ expression }`", schema: { type: ["object", "string"] } },
  shape: { says: "shape", schema: refer("shape") },
  paths: { says: "list of paths", schema: { type: "array", items: text() } },
  boolean: { says: "true or false", schema: { type: "boolean" } },
  command: { says: "`domain.action`", schema: COMMAND },
  steps: { says: "list of steps", schema: STEPS },
  blocks: { says: "map from a name to its steps", schema: mapOf(STEPS) },
  choose: { says: "expression, or a list of choices", schema: anyOf(EXPRESSION, refer("in choose")) },
  join: { says: "`all` or `any`", schema: { enum: ["all", "any"] } },
  overlap: { says: "`skip`, `queue` or `allow`", schema: { enum: ["skip", "queue", "allow"] } },
  then: { says: "`park` or `compensate`", schema: { enum: ["park", "compensate"] } },
  retry: { says: "`none`, or a map", schema: anyOf({ enum: ["none"] }, refer("retry")) },
  attempts: { says: "whole number, or `forever`", schema: anyOf({ enum: ["forever"] }, whole(1, 1_000_000)) },
  factor: { says: "number from 1 to 100", schema: { type: "number", minimum: 1, maximum: 100 } },
  share: { says: "number from 0 to 1", schema: { type: "number", minimum: 0, maximum: 1 } },
  codes: { says: "list of codes", schema: anyOf(NAME, { type: "array", items: NAME }) },
  items: { says: "whole number up to 10000", schema: whole(1, 10_000) },
  compensate: {
    says: "`domain.action`, a map, or a list of steps",
    schema: anyOf(COMMAND, refer("in compensate"), STEPS),
  },
  defaults: { says: "map", schema: refer("defaults") },
  start: { says: "map", schema: refer("start") },
  schedule: { says: "line of cron, or a map", schema: anyOf(text(), refer("schedule")) },
  each: { says: "map", schema: refer("in each") },
  sleep: { says: "duration, or a map", schema: anyOf(text(), refer("in sleep")) },
  fail: { says: "code, or a map", schema: anyOf(NAME, refer("in fail")) },
  end: { says: "outcome, or a map", schema: anyOf(NAME, refer("in end")) },
} satisfies Readonly<Record<string, ValueRule>>;
