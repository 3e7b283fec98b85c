import { type ApiDocument, type Operation, operationsOf, type Parameter, type Schema } from "./api-document.ts";

/** client/operations.ts: the schemas and calls of the document as types, and what of a call is needed to send it. */
export function clientTypes(document: ApiDocument): string {
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `${comment(schema.description, "  ")}  readonly ${name}: ${typeOf(schema, "  ")};`,
  );
  const calls = operationsOf(document);
  return `// Made from the OpenAPI document by \`bun run api-files\`; changed there, not here.

/** What the API takes and answers. */
export interface Schemas {
${schemas.join("\n")}
}

/** Its calls: what each takes, and what it answers. */
export interface Operations {
${calls.map(({ operation }) => operationType(operation)).join("\n")}
}

/** Method, path and the body's media type of each call. */
export const OPERATIONS = {
${calls.map(({ method, path, operation }) => `  ${operation.operationId}: ${JSON.stringify([method, path, mediaOf(operation)])},`).join("\n")}
} as const;
`;
}

function mediaOf({ requestBody }: Operation): string | null {
  return Object.keys(requestBody?.content ?? {})[0] ?? null;
}

function operationType(operation: Operation): string {
  const { operationId, summary, parameters = [], requestBody } = operation;
  const of = (place: Parameter["in"]) => parameters.filter((parameter) => parameter.in === place);
  const media = mediaOf(operation);
  const body = media === null ? undefined : requestBody?.content[media]?.schema;
  const bodyType = media === "application/json" ? typeOf(body ?? {}, "    ") : "string";
  const lines = [
    ...part("path", of("path")),
    ...part("query", of("query")),
    ...(media === null ? [] : [`    readonly body${requestBody?.required === true ? "" : "?"}: ${bodyType};`]),
    `    readonly answer: ${answerType(operation)};`,
  ];
  return `${comment(summary, "  ")}  readonly ${operationId}: {\n${lines.join("\n")}\n  };`;
}

function part(name: string, parameters: readonly Parameter[]): string[] {
  if (parameters.length === 0) return [];
  const optional = parameters.every(({ required }) => required !== true);
  const fields = parameters.map(
    ({ name: field, required, description, schema }) =>
      `${comment(description, "      ")}      readonly ${field}${required === true ? "" : "?"}: ${typeOf(schema, "      ")};`,
  );
  return [`    readonly ${name}${optional ? "?" : ""}: {`, ...fields, "    };"];
}

function answerType({ responses }: Operation): string {
  const types = Object.entries(responses)
    .filter(([status]) => status.startsWith("2"))
    .flatMap(([, { content = {} }]) => Object.entries(content))
    .map(([media, { schema }]) => (media === "application/json" ? typeOf(schema ?? {}, "    ") : "string"));
  return [...new Set(types)].join(" | ") || "null";
}

/** A schema as a type. */
function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return `Schemas["${schema.$ref.split("/").at(-1)}"]`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, indent)).join(" | ");
  if (schema.type === "array") return `readonly (${typeOf(schema.items ?? {}, indent)})[]`;
  if (schema.type === "object") return objectType(schema, indent);
  if (schema.type === "integer") return "number";
  return schema.type ?? "unknown";
}

function objectType({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  if (properties === undefined) {
    const value = typeof additionalProperties === "object" ? typeOf(additionalProperties, indent) : "unknown";
    return `Readonly<Record<string, ${value}>>`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(
    ([name, schema]) =>
      `${comment(schema.description, inner)}${inner}readonly ${fieldName(name)}${required.includes(name) ? "" : "?"}: ${typeOf(schema, inner)};`,
  );
  return `{\n${fields.join("\n")}\n${indent}}`;
}

function fieldName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function comment(text: string | undefined, indent: string): string {
  return text === undefined ? "" : `${indent}/** ${text.replaceAll("*/", "* /")} */\n`;
}
