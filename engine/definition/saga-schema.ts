import type { Json, JsonObject } from "../core/json.ts";
import { type Kind, KINDS, LANGUAGE, type LanguageKey, type Place } from "./language.ts";
import { VALUES } from "./language-values.ts";

/**
 * The JSON schema of a saga file, for editors. It knows every key, where it may stand and what it takes; whether a name
 * exists or a step may be read where it is, only the loader knows.
 */
export function sagaSchema(): JsonObject {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Ekiden saga",
    ...mapOf(["file"]),
    definitions: {
      step: { anyOf: KINDS.map(stepOf) },
      steps: { type: "array", items: { $ref: "#/definitions/step" } },
      shape: SHAPE,
      "in choose": { type: "array", items: mapOf(["in choose"]) },
      ...Object.fromEntries(MAPS.map((place) => [place, mapOf([place])])),
    },
  };
}

const MAPS: readonly Place[] = [
  ...(["defaults", "retry", "start", "schedule"] as const),
  ...(["in each", "in compensate", "in sleep", "in fail", "in end"] as const),
];

/** A text of the notation, an enum's values, or a map of fields. */
const SHAPE: Json = {
  anyOf: [
    { type: "string" },
    { type: "array", items: { type: "string" } },
    { type: "object", additionalProperties: { $ref: "#/definitions/shape" } },
  ],
};

function stepOf(kind: Kind): JsonObject {
  return { title: kind, ...mapOf(["step", kind]) };
}

function mapOf(places: readonly Place[]): JsonObject {
  const keys = LANGUAGE.filter((key) => key.in.some((place) => places.includes(place)));
  const required = keys.filter((key) => key.required === true).map(({ key }) => key);
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(keys.map((key) => [key.key, propertyOf(key)])),
    ...(required.length === 0 ? {} : { required }),
  };
}

function propertyOf({ value, description, otherwise }: LanguageKey): JsonObject {
  const { schema }: { readonly schema: JsonObject } = VALUES[value];
  const text = otherwise === undefined ? description : `${description} Without it: ${otherwise}`;
  // Beside a reference draft 7 ignores everything else.
  return "$ref" in schema ? { description: text, allOf: [schema] } : { description: text, ...schema };
}
