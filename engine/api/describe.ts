import { toJsonSchema } from "@valibot/to-json-schema";
import type { MiddlewareHandler } from "hono";
import { type DescribeRouteOptions, describeRoute, type ResponsesWithResolver } from "hono-openapi";
import type { GenericSchema } from "valibot";

import { ref, type SchemaName } from "./openapi-components.ts";
import { PATH_PARAMETERS } from "./path-parameters.ts";
import { type ProblemCode, TRANSLATIONS } from "./translate-code.ts";

/** One operation of the API, as its documentation needs it. */
export interface Operation {
  readonly tag: "sagas" | "definitions" | "messages" | "consumer groups" | "pipeline" | "health";
  /** Name of the call in generated clients. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** What the path's parameters are. */
  readonly path?: readonly (keyof typeof PATH_PARAMETERS)[];
  /** The schema that the handler parses the query by. */
  readonly query?: GenericSchema;
  /** Parameters whose names are open, which no schema can list. */
  readonly parameters?: NonNullable<DescribeRouteOptions["parameters"]>;
  readonly body?: RequestBody;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems?: readonly ProblemCode[];
}

interface RequestBody {
  /** Absent: any JSON. */
  readonly schema?: SchemaName;
  readonly media?: string;
  readonly description: string;
  readonly required: boolean;
  readonly example?: unknown;
}

interface Answer {
  readonly description: string;
  readonly schema: SchemaName;
  /** A second media type, of plain text. */
  readonly text?: string;
}

const ALWAYS: readonly ProblemCode[] = [
  "engine.busy",
  "request.host-refused",
  "request.origin-refused",
  "api.internal",
  "api.database-unavailable",
];
const WITH_BODY: readonly ProblemCode[] = [
  "request.malformed-json",
  "request.media-type",
  "request.too-large",
  "request.body-invalid",
];

/** Documents a route; changes nothing of how it runs. */
export function describe(operation: Operation): MiddlewareHandler {
  const { tag, operationId, summary, description, body, query, path = [] } = operation;
  const isPost = body !== undefined;
  return describeRoute({
    tags: [tag],
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: [
      ...path.map((role) => ({
        in: "path",
        required: true,
        schema: { type: "string" as const },
        ...PATH_PARAMETERS[role],
      })),
      ...(query === undefined ? [] : queryParameters(query)),
      ...(operation.parameters ?? []),
      ...(isPost ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(isPost ? { requestBody: requestBody(body) } : {}),
    responses: { ...answers(operation.answers), ...problems(operation) },
  });
}

const IDEMPOTENCY_KEY = {
  in: "header",
  name: "Idempotency-Key",
  required: false,
  description:
    "Chosen by the caller: a request sent again with the same key and body has the same answer and no second effect",
  schema: { type: "string" as const, minLength: 1, maxLength: 255 },
  example: "0f0c1c5e-6a0e-4a53-9f0e-0c6f3c2b8a11",
};

function requestBody({ schema, media = "application/json", description, required, example }: RequestBody) {
  const isText = media !== "application/json";
  const content = { schema: isText ? { type: "string" as const } : schema === undefined ? {} : ref(schema) };
  return { description, required, content: { [media]: { ...content, ...(example === undefined ? {} : { example }) } } };
}

function queryParameters(query: GenericSchema) {
  const { properties = {} } = toJsonSchema(query, { target: "draft-2020-12", typeMode: "input", errorMode: "ignore" });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === "object" ? schema : {};
    // Texts on the wire; the schema speaks of what they mean.
    if (rest.type === "integer" && typeof rest.default === "string") rest.default = Number(rest.default);
    return {
      in: "query",
      name,
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: rest as object,
    };
  });
}

function answers(given: Operation["answers"]): ResponsesWithResolver {
  return Object.fromEntries(
    Object.entries(given).map(([status, { description, schema, text }]) => {
      const plain = text === undefined ? {} : { [text]: { schema: { type: "string" as const } } };
      return [status, { description, content: { "application/json": { schema: ref(schema) }, ...plain } }];
    }),
  );
}

function problems({ body, query, problems: own = [] }: Operation): ResponsesWithResolver {
  const codes = [
    ...own,
    ...(body === undefined ? [] : WITH_BODY),
    ...(query === undefined ? [] : (["request.query-invalid"] as const)),
    ...ALWAYS,
  ];
  const byStatus = Map.groupBy(new Set(codes), (code) => TRANSLATIONS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, found]) => [
      String(status),
      {
        description: found.map((code) => `\`${code}\`: ${TRANSLATIONS[code].title}`).join("; "),
        content: { "application/problem+json": { schema: ref("ProblemDetails") } },
      },
    ]),
  );
}
