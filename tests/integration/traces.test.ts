import { afterAll, beforeAll, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";

let t: TestEngine;
let client: Client;
let collector: ReturnType<typeof Bun.serve>;
const spans = new Map<string, Span>();
let taken = 0;
let refusing = false;

beforeAll(async () => {
  collector = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      if (refusing) return new Response("full", { status: 503 });
      if (new URL(request.url).pathname !== "/v1/traces") return new Response("", { status: 404 });
      const body = (await request.json()) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
      };
      for (const { scopeSpans } of body.resourceSpans)
        for (const scope of scopeSpans) for (const span of scope.spans) spans.set(span.spanId, span);
      taken += 1;
      return Response.json({});
    },
  });
  t = await testEngine("kafka", { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.origin } });
  client = new Client(() => t.url);
}, 120_000);
afterAll(async () => {
  await t?.close();
  await collector?.stop(true);
}, 120_000);

async function traced(note: string, flags: string, traceId = TRACE) {
  const { json } = await client.call(
    "POST",
    "/v1/sagas/three?wait=30s",
    { note },
    { traceparent: `00-${traceId}-${CALLER}-${flags}` },
  );
  return json as { readonly sagaId: string; readonly status: string };
}

const of = (sagaId: string) =>
  [...spans.values()].filter(({ attributes }) =>
    attributes.some(({ key, value }) => key === "ekiden.saga.id" && value.stringValue === sagaId),
  );

test("one trace follows a saga from the call through Debezium and Kafka to its last step", async () => {
  // A look before, from which on it is counted.
  await eventually(
    "the first look",
    async () => {
      await traced("before", "01", "a".repeat(32));
      return taken > 0;
    },
    60_000,
  );
  // The collector is away for a while: what it did not take comes later.
  refusing = true;
  const { sagaId, status } = await traced("hello", "01");
  expect(status).toBe("completed");
  await eventually("a refusal", async () => t.log.some((line) => line.includes("traces could not be sent")), 30_000);
  refusing = false;
  await eventually("all spans", async () => of(sagaId).length >= 10, 30_000);
  const seen = of(sagaId);
  expect(seen.map(({ name }) => name).sort()).toEqual([
    "lab.one send",
    "lab.three send",
    "lab.two send",
    "one",
    "three",
    "three saga.started",
    "three step.succeeded",
    "three step.succeeded",
    "three step.succeeded",
    "two",
  ]);
  expect(new Set(seen.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  // From the last one up, without a gap, to the span of the caller.
  const byId = new Map(seen.map((span) => [span.spanId, span]));
  const parents = new Set(seen.map(({ parentSpanId }) => parentSpanId));
  const path: string[] = [];
  let at = seen.find(({ spanId }) => !parents.has(spanId));
  for (
    let last: string | undefined;
    at !== undefined;
    last = at?.parentSpanId, at = last === undefined ? undefined : byId.get(last)
  )
    path.unshift(at.name);
  expect(path).toEqual([
    "three saga.started",
    "lab.one send",
    "one",
    "three step.succeeded",
    "lab.two send",
    "two",
    "three step.succeeded",
    "lab.three send",
    "three",
    "three step.succeeded",
  ]);
  expect(seen.find(({ name }) => name === "three saga.started")?.parentSpanId).toBe(CALLER);
  for (const span of seen) expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
  expect(JSON.stringify(seen)).not.toContain("hello");
}, 120_000);

test("a saga that its caller does not want traced is not", async () => {
  const silent = await traced("silent", "00", "b".repeat(32));
  const loud = await traced("loud", "01", "c".repeat(32));
  await eventually("the other one", async () => of(loud.sagaId).length >= 10, 30_000);
  expect(of(silent.sagaId)).toEqual([]);
}, 60_000);
