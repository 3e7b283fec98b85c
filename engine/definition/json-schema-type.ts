import type { ValueSchema } from "../core/domain.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import {
  ANY,
  BOOLEAN,
  type FieldType,
  NULL,
  NUMBER,
  STRING,
  typeOfJson,
  unionOf,
  type ValueType,
  WHOLE,
} from "./value-type.ts";

const known = new WeakMap<ValueSchema, ValueType>();

/** The whole schema, and the references being followed: one that leads back to itself is `any`. */
interface Root {
  readonly schema: Json;
  readonly open: ReadonlySet<string>;
}

/** The type that a handler's JSON schema describes. What the schema says in other words than these is `any`. */
export function typeOfSchema(schema: ValueSchema): ValueType {
  const remembered = known.get(schema);
  if (remembered !== undefined) return remembered;
  const type = typeOf(schema.jsonSchema, { schema: schema.jsonSchema, open: new Set() });
  known.set(schema, type);
  return type;
}

function typeOf(schema: Json | undefined, root: Root): ValueType {
  if (!isJsonObject(schema)) return ANY;
  if (typeof schema.$ref === "string") return typeOfReference(schema.$ref, root);
  if (schema.const !== undefined) return typeOfJson(schema.const);
  if (Array.isArray(schema.enum)) return unionOf(schema.enum.map((value: Json) => typeOfJson(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return unionOf(choices.map((choice: Json) => typeOf(choice, root)));
  if (Array.isArray(schema.allOf)) return ANY;
  const { type } = schema;
  if (Array.isArray(type)) return unionOf(type.map((each: Json) => typed(each, schema, root)));
  return typed(type, schema, root);
}

function typeOfReference(pointer: string, root: Root): ValueType {
  if (root.open.has(pointer)) return ANY;
  return typeOf(referenced(pointer, root.schema), { ...root, open: new Set([...root.open, pointer]) });
}

function typed(type: Json | undefined, schema: JsonObject, root: Root): ValueType {
  switch (type) {
    case "string":
      return STRING;
    case "number":
      return NUMBER;
    case "integer":
      return WHOLE;
    case "boolean":
      return BOOLEAN;
    case "null":
      return NULL;
    case "array":
      return { kind: "list", item: schema.prefixItems === undefined ? typeOf(schema.items, root) : ANY };
    case "object":
      return objectType(schema, root);
    default:
      return ANY;
  }
}

function objectType(schema: JsonObject, root: Root): ValueType {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = new Map<string, FieldType>();
  for (const [name, property] of Object.entries(properties)) {
    fields.set(name, { type: typeOf(property, root), optional: !required.includes(name) });
  }
  return { kind: "object", fields, open: schema.additionalProperties !== false };
}

function referenced(pointer: string, root: Json): Json | undefined {
  let at: Json | undefined = pointer.startsWith("#") ? root : undefined;
  for (const segment of pointer.split("/").slice(1)) {
    at = isJsonObject(at) ? at[segment.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return at;
}
