import fc from "fast-check";
import { isJsonObject, type Json, type JsonObject } from "../../engine/core/json.ts";
import { schemaProblems } from "../../engine/core/json-schema.ts";
import { sampleOfSchema } from "../../engine/simulate/sample.ts";

/** An operation of the OpenAPI document. */
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly in: string; readonly name: string; readonly schema: Json }[];
  readonly body?: { readonly type: string; readonly schema: Json };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Json }>> }>
  >;
}

/** One call as it is sent. */
interface Call {
  readonly operation: Operation;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "1e999",
  "null",
  "..",
  "%00",
  "a/b",
  "'; drop table saga; --",
  "日本語",
  "\u202e",
  "a".repeat(2_000),
];
const BODIES = [
  "",
  "{",
  "null",
  "[]",
  "1e999",
  '"\\u0000"',
  '"\\ud800"',
  '{"__proto__":{"x":1}}',
  '{"a":1,"a":2}',
  `${"[".repeat(100)}${"]".repeat(100)}`,
  "\ufeff{}",
  "9007199254740993",
];
const TYPES = ["text/plain", "application/xml", "application/json; charset=latin1", "multipart/form-data", ""];
/** Milliseconds; longer than the API lets anybody wait for what it was asked here. */
const ANSWER_MS = 45_000;

/** What the fuzzer calls: the engine's address, and values that are there, by parameter. */
export interface Target {
  readonly url: string;
  /** By a parameter's name: ids of sagas, messages, groups, definitions, … */
  readonly known: Readonly<Record<string, readonly string[]>>;
}

/** What the engine answered: how many calls had which status, and the sagas that it said it had accepted. */
export interface Answers {
  readonly statuses: ReadonlyMap<number, number>;
  readonly sagaIds: readonly string[];
}

/**
 * Calls every operation of the OpenAPI document with valid, nearly valid and hostile requests. Every answer must be one
 * that the document names, with a body that fits its schema, and none a failure of the server. Returns how many calls
 * had which status, and every saga that one said was accepted. @throws with the smallest call that shows otherwise.
 */
export async function fuzzCalls(target: Target, seed: number, runsEach: number): Promise<Answers> {
  const document = (await (await fetch(`${target.url}/openapi.json`)).json()) as JsonObject;
  const seen = new Map<number, number>();
  const sagaIds: string[] = [];
  for (const operation of operationsOf(document)) {
    await fc.assert(
      fc.asyncProperty(callOf(operation, target, document), async (call) => {
        const status = await send(target.url, call, document, sagaIds);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }),
      { seed, numRuns: runsEach, examples: [] },
    );
  }
  return { statuses: seen, sagaIds };
}

function operationsOf(document: JsonObject): readonly Operation[] {
  const paths = document["paths"] as Record<string, Record<string, JsonObject>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const content = (operation["requestBody"] as JsonObject | undefined)?.["content"] as
        | Record<string, { schema: Json }>
        | undefined;
      const [body] = Object.entries(content ?? {}).map(([type, { schema }]) => ({ type, schema }));
      return {
        method: method.toUpperCase(),
        path,
        parameters: (operation["parameters"] ?? []) as unknown as Operation["parameters"],
        responses: operation["responses"] as unknown as Operation["responses"],
        ...(body === undefined ? {} : { body }),
      };
    }),
  );
}

function callOf(operation: Operation, { known }: Target, document: JsonObject): fc.Arbitrary<Call> {
  const parts = Object.fromEntries(
    operation.parameters.map(({ in: where, name, schema }) => {
      const valid = known[`${operation.path} ${name}`] ??
        known[name] ?? [textOf(sampleOfSchema(resolved(schema, document)))];
      const good = fc.constantFrom(...valid);
      const bad = fc.constantFrom(...TEXTS.filter((text) => where !== "header" || /^[\x21-\x7e]*$/.test(text)));
      return [
        `${where}:${name}`,
        fc.option(fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: bad }), { nil: null }),
      ];
    }),
  );
  return fc
    .record({
      parts: fc.record(parts),
      body: bodyOf(operation, document),
      type: fc.oneof({ weight: 10, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(...TYPES) }),
    })
    .map(({ parts: chosen, body, type }) => {
      const values = chosen as Record<string, string | null>;
      const query = new URLSearchParams();
      const headers: Record<string, string> = {};
      let path = operation.path;
      for (const [place, value] of Object.entries(values)) {
        const name = place.slice(place.indexOf(":") + 1);
        if (place.startsWith("path:"))
          path = path.replace(`{${name}}`, encodeURIComponent(value || "x").replace(/^\.+$/, "x"));
        else if (value !== null && place.startsWith("query:")) query.set(name, value);
        else if (value !== null && place.startsWith("header:")) headers[name] = value;
      }
      if (operation.body !== undefined) headers["content-type"] = type ?? operation.body.type;
      const text = query.size === 0 ? path : `${path}?${query}`;
      return { operation, path: text, headers, ...(operation.body === undefined ? {} : { body }) };
    });
}

function bodyOf({ body }: Operation, document: JsonObject): fc.Arbitrary<string> {
  if (body === undefined) return fc.constant("");
  if (body.type !== "application/json") return fc.oneof(fc.constantFrom(...BODIES), fc.string({ maxLength: 200 }));
  const sample = sampleOfSchema(resolved(body.schema, document));
  const valid = isJsonObject(sample) ? { ...sample, reason: "fuzz", note: "fuzz" } : sample;
  const fields = isJsonObject(valid) ? Object.keys(valid) : [];
  // One field of a body that fits is of another kind, is too much, or is not there.
  const nearly = fc
    .record({
      field: fc.constantFrom(...fields, "x", "__proto__"),
      value: fc.option(fc.jsonValue({ maxDepth: 3 }), { nil: undefined }),
    })
    .map(({ field, value }) => JSON.stringify({ ...(isJsonObject(valid) ? valid : {}), [field]: value }));
  return fc.oneof(
    fc.constant(JSON.stringify(sample)),
    fc.constant(JSON.stringify({ reason: "fuzz" })),
    fc.constant(JSON.stringify({ note: "fuzz" })),
    fc.constant(JSON.stringify({ ok: true })),
    nearly,
    fc.json({ maxDepth: 4 }),
    fc.constantFrom(...BODIES),
  );
}

/** A schema with what it refers to. */
function resolved(schema: Json, document: JsonObject): Json {
  return isJsonObject(schema) ? { ...schema, components: document["components"] as Json } : schema;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Sends one call and judges its answer; returns the status, and notes the saga that a start was answered with. */
async function send(
  url: string,
  { operation, path, headers, body }: Call,
  document: JsonObject,
  sagaIds: string[],
): Promise<number> {
  const { method, responses } = operation;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS);
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      signal: stop.signal,
    });
    const { status } = response;
    const said = () => `${method} ${path} ${body?.slice(0, 200) ?? ""} answered ${status}`;
    const type = (response.headers.get("content-type") ?? "").split(";")[0] as string;
    const documented = responses[String(status)];
    if (documented === undefined) throw new Error(`${said()}, which the document does not name`);
    if (type === "text/event-stream") return status;
    const text = await response.text();
    if (status >= 500 && !isBusy(status, text)) throw new Error(`${said()}: ${text}`);
    const content = documented.content?.[type];
    if (text !== "" && content === undefined) throw new Error(`${said()} as ${type}, which the document does not name`);
    if (type.endsWith("json") && content?.schema !== undefined) {
      const [problem] = schemaProblems(resolved(content.schema, document), JSON.parse(text));
      if (problem !== undefined)
        throw new Error(`${said()}: ${problem.path} ${problem.message}: ${text.slice(0, 500)}`);
    }
    const answer: Json = type.endsWith("json") ? JSON.parse(text) : null;
    if (status < 300 && isJsonObject(answer) && typeof answer["sagaId"] === "string") sagaIds.push(answer["sagaId"]);
    return status;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** Not a failure: it says to come again. */
function isBusy(status: number, text: string): boolean {
  return status === 503 && /"code":"(saga\.busy|engine\.busy)"/.test(text);
}
