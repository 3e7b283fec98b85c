/**
 * `bun scripts/make-trace-picture.ts <file.svg>`: a collector on 127.0.0.1:4318 that draws the trace of one onboarding. Start
 * an engine with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 beside it; where it is says EKIDEN_URL.
 */

/** What of a span is drawn. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const ROW = 22;
const LEFT = 300;
const WIDTH = 700;
/** By kind: called from outside, on the way through outbox and transport, worked on. */
const COLOURS: Readonly<Record<number, string>> = { 2: "#1d4ed8", 4: "#94a3b8", 5: "#0f766e" };
const LOOK_MS = 200;
/** How often the engine sends. */
const SENT_EVERY_MS = 2_000;

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: bun scripts/make-trace-picture.ts <file.svg>");
  process.exit(2);
}

const engineUrl = process.env.EKIDEN_URL ?? "http://127.0.0.1:8080";
const spans = new Map<string, Span>();
const collector = Bun.serve({
  hostname: "127.0.0.1",
  port: 4318,
  async fetch(request) {
    const { resourceSpans } = (await request.json()) as Export;
    for (const { scopeSpans } of resourceSpans)
      for (const scope of scopeSpans) for (const span of scope.spans) spans.set(span.spanId, span);
    return Response.json({});
  },
});
try {
  // What happened before the engine's first look is not sent.
  do await onboard();
  while ((await until(() => spans.size > 0)) === false);
  const traceId = await onboard();
  const own = () => [...spans.values()].filter((span) => span.traceId === traceId);
  if (!(await until(() => own().length > 0))) throw new Error("no span of it came");
  // Each look sends what is new; two without any, and all of it has come.
  for (let seen = -1; seen < own().length; await Bun.sleep(2 * SENT_EVERY_MS)) seen = own().length;
  await Bun.write(file, picture(own()));
} finally {
  await collector.stop(true);
}

async function onboard(): Promise<string> {
  const traceId = crypto.randomUUID().replaceAll("-", "");
  const response = await fetch(`${engineUrl}/v1/sagas/onboarding?wait=30s`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: `00-${traceId}-${traceId.slice(0, 16)}-01` },
    body: JSON.stringify({ ...(await Bun.file("domains/onboarding.example.json").json()), applicationNo: traceId }),
  });
  if (response.status !== 201) throw new Error(`the engine answers ${response.status}: ${await response.text()}`);
  return traceId;
}

async function until(met: () => boolean): Promise<boolean> {
  for (let left = 10_000 / LOOK_MS; left > 0 && !met(); left--) await Bun.sleep(LOOK_MS);
  return met();
}

/** One row a span, below what caused it. */
function picture(trace: readonly Span[]): string {
  const at = (nano: string) => Number(BigInt(nano) / 1_000_000n);
  const begin = Math.min(...trace.map((span) => at(span.startTimeUnixNano)));
  const took = Math.max(...trace.map((span) => at(span.endTimeUnixNano))) - begin;
  const rows = [...trace].sort(
    (a, b) => at(a.startTimeUnixNano) - at(b.startTimeUnixNano) || at(a.endTimeUnixNano) - at(b.endTimeUnixNano),
  );
  const x = (nano: string) => LEFT + ((at(nano) - begin) / took) * WIDTH;
  const lines = rows.map((span, row) => {
    const [from, to] = [x(span.startTimeUnixNano), x(span.endTimeUnixNano)];
    const y = ROW * (row + 2);
    const ms = at(span.endTimeUnixNano) - at(span.startTimeUnixNano);
    return `<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end">${span.name}</text>
<rect x="${from.toFixed(1)}" y="${y + 3}" width="${Math.max(2, to - from).toFixed(1)}" height="14" rx="2" fill="${COLOURS[span.kind] ?? "#64748b"}"/>
<text x="${(Math.max(from + 2, to) + 5).toFixed(1)}" y="${y + 14}" fill="#475569">${ms} ms</text>`;
  });
  const height = ROW * (rows.length + 3);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 80} ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Trace of one onboarding: the call, then each command through outbox, Debezium and Kafka to its handler, and the transition after it</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="20" font-size="14">Trace of one onboarding: ${rows.length} spans, ${took} ms</text>
<text x="10" y="${height - 12}" fill="#475569">blue: the call; grey: outbox, Debezium, Kafka; green: handlers and transitions</text>
${lines.join("\n")}
</svg>
`;
}
