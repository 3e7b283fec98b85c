import { toJsonSchema } from "@valibot/to-json-schema";
import type { MiddlewareHandler } from "hono";
import { type DescribeRouteOptions, describeRoute, type ResponsesWithResolver } from "hono-openapi";
import type { GenericSchema } from "valibot";

import { type Access, authorize } from "./access.ts";
import type { ApiEnv } from "./api-env.ts";
import { ref, type SchemaName } from "./openapi-components.ts";
import { PATH_PARAMETERS } from "./path-parameters.ts";
import { type ProblemCode, TRANSLATIONS } from "./translate-code.ts";

/** One operation of the API, as its documentation needs it. */
export interface Operation {
  readonly tag:
    | "sagas"
    | "streams"
    | "definitions"
    | "messages"
    | "redrives"
    | "consumer groups"
    | "pipeline"
    | "audit"
    | "keys"
    | "event store"
    | "health";
  /** Name of the call in generated clients. */
  readonly operationId: string;
  readonly summary: string;
  /** What a caller must be allowed; `open`: anybody may call it. */
  readonly access: Access | "open";
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
  /** Without it, and without `text`: there is no body. */
  readonly schema?: SchemaName;
  /** `application/json` unless it is another. */
  readonly media?: string;
  /** The media type of an answer in plain text; with `schema` it is a second one. */
  readonly text?: string;
}

const ALWAYS: readonly ProblemCode[] = [
  "engine.busy",
  "request.host-refused",
  "request.origin-refused",
  "api.internal",
  "api.database-unavailable",
];
const CLOSED: readonly ProblemCode[] = [
  "auth.required",
  "auth.refused",
  "auth.forbidden",
  "auth.issuer-unavailable",
  "request.rate-limited",
];
const WITH_BODY: readonly ProblemCode[] = [
  "request.malformed-json",
  "request.media-type",
  "request.too-large",
  "request.body-invalid",
];

/** Documents a route, and lets in only those who may call it: what is not documented is not served either. */
export function describe(operation: Operation): MiddlewareHandler<ApiEnv> {
  const { access } = operation;
  const guard: MiddlewareHandler<ApiEnv> = async (c, next) => {
    if (access !== "open") await authorize(c, access);
    await next();
  };
  // The document hangs on the function as a property of the library's own.
  return Object.assign(guard, describeRoute(documented(operation)));
}

function documented(operation: Operation): DescribeRouteOptions {
  const { tag, operationId, summary, description, body, query, access, path = [] } = operation;
  const isPost = body !== undefined;
  return {
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
    security: access === "open" ? [] : [{ bearer: [] }],
    ...(access === "open" ? {} : { "x-ekiden-access": access }),
  };
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
    Object.entries(given).map(([status, { description, schema, media = "application/json", text }]) => {
      const plain = text === undefined ? {} : { [text]: { schema: { type: "string" as const } } };
      const content = { ...(schema === undefined ? {} : { [media]: { schema: ref(schema) } }), ...plain };
      return [status, Object.keys(content).length === 0 ? { description } : { description, content }];
    }),
  );
}

function problems({ body, query, access, problems: own = [] }: Operation): ResponsesWithResolver {
  const codes = [
    ...own,
    ...(body === undefined ? [] : WITH_BODY),
    ...(query === undefined ? [] : (["request.query-invalid"] as const)),
    ...(access === "open" ? [] : CLOSED),
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
