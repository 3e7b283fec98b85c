import { type ApiDocument, type Operation, operationsOf, type Parameter, type Schema } from "./api-document.ts";

/** Where an engine is, and who calls. */
const PREAMBLE = `# The HTTP API, call by call

Each call once, as curl sends it. The same as data: \`GET /openapi.json\`; as a page to try: \`/docs\`; as TypeScript: [client/](../client/ekiden.ts).

\`\`\`text
export EKIDEN_URL=http://127.0.0.1:8080
export EKIDEN_API_KEY=ekiden_…   # as soon as one was made; until then leave the header out
\`\`\`

Faults are \`application/problem+json\`: \`code\` for programs, \`detail\`, \`hint\`; [OPERATIONS.md](OPERATIONS.md) has an entry for each code.
Lists answer \`{items, nextCursor}\`: send \`cursor\` until \`nextCursor\` is null. Every POST accepts \`Idempotency-Key\`: sent again with the same
key and body it has the same answer and no second effect, for 7 days. What goes on after its answer (a saga, a redrive with its \`continue\` and
\`stop\`, a republishing, a rebuild, the restart of the pipeline) and a revoked key are answered as they stand now; a made key is not
shown again. What changes nothing (validate, simulate, compare, previews) is answered anew.

<!-- Made from the OpenAPI document by \`bun run api-files\`; changed there, not here. -->
`;

/** docs/API.md: each call of the document with what it takes, as curl sends it, and what it answers. */
export function apiPage(document: ApiDocument): string {
  const calls = operationsOf(document);
  const tags = [...new Set(calls.map(({ operation }) => operation.tags[0] ?? ""))];
  const sections = tags.map((tag) => {
    const about = document.tags.find(({ name }) => name === tag)?.description;
    const own = calls.filter(({ operation }) => operation.tags[0] === tag);
    const heading = `## ${tag[0]?.toUpperCase()}${tag.slice(1)}${about === undefined ? "" : `\n\n${about}.`}`;
    return [heading, ...own.map((call) => section(document, call))].join("\n\n");
  });
  return `${PREAMBLE}\n${sections.join("\n\n")}\n`;
}

/** The command for a call, with the document's own examples. */
export function curlOf(document: ApiDocument, path: string, method: string, operation: Operation): string {
  const { parameters = [], requestBody, responses } = operation;
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))), path);
  const streams = Object.values(responses).some(({ content = {} }) => "text/event-stream" in content);
  const [media, body] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  return [
    `curl -s${streams ? "N" : ""}${method === "GET" ? "" : ` -X ${method}`} "$EKIDEN_URL${filled}"`,
    ...(operation["x-ekiden-access"] === undefined ? [] : [`-H "authorization: Bearer $EKIDEN_API_KEY"`]),
    ...(media === undefined ? [] : [`-H "content-type: ${media}"`]),
    ...(body === undefined ? [] : [`--data-binary ${quoted(body.example ?? exampleOf(document, body.schema ?? {}))}`]),
  ].join(" \\\n  ");
}

/** What has to be said at least, with the schema's own examples. */
function exampleOf(document: ApiDocument, schema: Schema): unknown {
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined) return exampleOf(document, document.components.schemas[name] ?? {});
  const shown = schema.examples?.[0] ?? schema.const ?? schema.enum?.[0];
  if (shown !== undefined) return shown;
  if (schema.type !== "object") return schema.type === "integer" ? 1 : "…";
  const { properties = {}, required = [] } = schema;
  return Object.fromEntries(required.map((field) => [field, exampleOf(document, properties[field] ?? {})]));
}

function quoted(example: unknown): string {
  const text = typeof example === "string" ? example : JSON.stringify(example);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function section(document: ApiDocument, call: { path: string; method: string; operation: Operation }): string {
  const { path, method, operation } = call;
  const access = operation["x-ekiden-access"];
  const about = [
    `${operation.summary}.`,
    operation.description ?? "",
    access === undefined ? "Asks for no key." : `Role: ${access.role}.`,
  ];
  return [
    `### \`${method} ${path}\``,
    about.filter((text) => text !== "").join(" "),
    `\`\`\`text\n${curlOf(document, path, method, operation)}\n\`\`\``,
    ...table(operation.parameters ?? []),
    answers(document, operation),
  ].join("\n\n");
}

function table(parameters: readonly Parameter[]): string[] {
  const rows = parameters
    .filter(({ name, in: place }) => place !== "path" && name !== "Idempotency-Key")
    .map(({ name, description = "", schema, example }) => {
      const first = schema.enum?.map(String).join(", ") ?? schema.examples?.[0] ?? example;
      const shown = first === undefined ? "" : ` (${typeof first === "string" ? first : JSON.stringify(first)})`;
      return `| \`${name}\` | ${`${description}${shown}`.replaceAll("|", "\\|")} |`;
    });
  return rows.length === 0 ? [] : [["| | |", "|---|---|", ...rows].join("\n")];
}

function answers(document: ApiDocument, { responses }: Operation): string {
  return Object.entries(responses)
    .filter(([status]) => /^2/.test(status) || status === "404" || status === "409")
    .map(([status, { description, content = {} }]) => {
      const [media, { schema } = {}] = Object.entries(content)[0] ?? [];
      const name = schema?.$ref?.split("/").at(-1);
      const shape = name === undefined || name === "ProblemDetails" ? "" : `: ${fieldsOf(document, name)}`;
      const other = media === undefined || /json$/.test(media) ? "" : ` (${media})`;
      return `- ${status} ${description}${other}${shape}`;
    })
    .join("\n");
}

function fieldsOf({ components }: ApiDocument, name: string): string {
  const schema: Schema = components.schemas[name] ?? {};
  const fields = Object.keys(schema.properties ?? {});
  return fields.length === 0 ? name : `\`{${fields.join(", ")}}\``;
}
