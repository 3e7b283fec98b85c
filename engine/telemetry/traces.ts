import { createHash } from "node:crypto";

import type { Sql, Tx } from "../timeline/database.ts";

/** Transitions of one look; what goes beyond is left out: a trace is a sample of what happens, not its record. */
const LOOK_MAX = 5_000;
const SEND_MS = 10_000;

interface TransitionRow {
  readonly message_id: string;
  readonly saga_id: string;
  readonly definition: string;
  readonly traceparent: string | null;
  readonly message_type: string;
  readonly causation_id: string | null;
  readonly sequence: number;
  readonly status: string;
  readonly consumer: string;
  readonly started_at: Date;
  readonly consumed_at: Date;
  readonly command_id: string | null;
  readonly action: string | null;
  readonly attempt: number | null;
  readonly topic: string | null;
  readonly command_cause: string | null;
  readonly requested_at: Date | null;
  readonly recorded_at: Date | null;
  readonly received_at: Date | null;
  readonly step_started_at: Date | null;
  readonly step_consumed_at: Date | null;
  readonly step_consumer: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
}

/** A span as OTLP has it in JSON. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 2 | 4 | 5;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly object[];
  readonly status?: { readonly code: 2 };
}

interface Window {
  readonly from: string;
  readonly open: readonly string[];
}

/**
 * Sends traces to an OpenTelemetry collector. They are made of what stands in the event store: each command's way through
 * outbox and transport, its handler, and the transition that its answer caused, below the span of whoever started the
 * saga. Ids follow from those of the messages, so that what is sent twice is one span, and no process tells another.
 */
export class Traces {
  readonly #sql: Sql;
  readonly #url: string;
  #window: Window | undefined;

  constructor(sql: Sql, endpoint: string) {
    this.#sql = sql;
    this.#url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  }

  /** Sends what was committed since the last look. @throws when the collector does not take it: then it is sent the next time */
  async look(): Promise<void> {
    const { next, rows } = (await this.#sql.begin("isolation level repeatable read read only", async (tx) => ({
      next: await snapshot(tx),
      rows: this.#window === undefined ? [] : await readTransitions(tx, this.#window),
    }))) as { next: Window; rows: readonly TransitionRow[] };
    const spans = rows.filter(isSampled).flatMap(spansOf);
    if (spans.length > 0) await this.#send(spans);
    this.#window = next;
  }

  async #send(spans: readonly Span[]): Promise<void> {
    const resource = { attributes: [text("service.name", "ekiden")] };
    const body = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "ekiden" }, spans }] }] };
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(SEND_MS),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${this.#url} answers ${response.status}`);
  }
}

async function snapshot(tx: Tx): Promise<Window> {
  const [row] = await tx<{ now: string }[]>`select pg_current_snapshot()::text as now`;
  const [, from = "0", open = ""] = (row?.now ?? "").split(":");
  return { from, open: open === "" ? [] : open.split(",") };
}

function readTransitions(tx: Tx, { from, open }: Window): Promise<readonly TransitionRow[]> {
  return tx<TransitionRow[]>`
    select x.message_id, x.correlation_id as saga_id, s.definition, coalesce(r.traceparent, s.traceparent) as traceparent,
      r.message_type, r.causation_id, x.sequence, x.status, x.consumer, x.started_at, x.consumed_at,
      k.message_id as command_id, k.action, k.attempt, k.topic, k.causation_id as command_cause, k.requested_at,
      c.recorded_at, c.received_at, c.started_at as step_started_at, c.consumed_at as step_consumed_at,
      c.consumer as step_consumer, c.partition, c."offset"
    from timeline.event_consumption x
    join timeline.saga s on s.id = x.correlation_id
    join timeline.event_request r on r.message_id = x.message_id
    left join timeline.event_request k on k.message_id = r.causation_id and k.message_type in ('step.requested', 'compensation.requested')
    left join lateral (
      select e.recorded_at, e.received_at, e.started_at, e.consumed_at, e.consumer, e.partition, e."offset"
      from timeline.event_consumption e where e.message_id = k.message_id and e.consumer_group = split_part(k.topic, '.', 1)
    ) c on true
    where x.xid is not null and x.consumed_at is not null and (
      (x.xid >= ${from}::xid8 and x.xid < pg_snapshot_xmax(pg_current_snapshot()))
      or x.xid = any (${tx.array([...open])}::text[]::xid8[])
    )
    order by x.xid limit ${LOOK_MAX}
  `;
}

/** Who started the saga may not want it traced. */
function isSampled({ traceparent }: TransitionRow): boolean {
  return traceparent === null || (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
}

function spansOf(row: TransitionRow): readonly Span[] {
  const traceId = row.traceparent?.slice(3, 35) ?? hash(row.saga_id, 32);
  return row.command_id === null ? [transition(row, traceId, startOf(row))] : stepSpans(row, row.command_id, traceId);
}

/** Below what caused it, or below the span of whoever started the saga. */
function startOf({ causation_id: cause, traceparent }: TransitionRow): string | undefined {
  return cause === null ? traceparent?.slice(36, 52) : transitionId(cause);
}

function stepSpans(row: TransitionRow, commandId: string, traceId: string): readonly Span[] {
  const { action, requested_at: requested, step_started_at: began, step_consumed_at: ended } = row;
  if (requested === null || began === null || ended === null) return [transition(row, traceId, startOf(row))];
  const way = hash(`${commandId}/way`, 16);
  const step = hash(`${commandId}/step`, 16);
  const of = [text("ekiden.saga.id", row.saga_id), text("messaging.message.id", commandId)];
  return [
    {
      traceId,
      spanId: way,
      ...parent(row.command_cause === null ? undefined : transitionId(row.command_cause)),
      name: `${row.topic} send`,
      kind: 4,
      ...times(requested, row.received_at ?? began),
      attributes: [
        ...of,
        text("messaging.destination.name", row.topic ?? ""),
        ...(row.recorded_at === null ? [] : [text("ekiden.recorded_at", row.recorded_at.toISOString())]),
        ...(row.partition === null ? [] : [text("messaging.destination.partition.id", String(row.partition))]),
        ...(row.offset === null ? [] : [text("messaging.kafka.offset", String(row.offset))]),
      ],
    },
    {
      traceId,
      spanId: step,
      parentSpanId: way,
      name: action ?? "",
      kind: 5,
      ...times(began, ended),
      attributes: [
        ...of,
        text("ekiden.consumer", row.step_consumer ?? ""),
        text("ekiden.attempt", String(row.attempt ?? 1)),
        text("ekiden.answer", row.message_type),
      ],
      ...(row.message_type.endsWith(".failed") ? { status: { code: 2 as const } } : {}),
    },
    transition(row, traceId, step),
  ];
}

function transition(row: TransitionRow, traceId: string, parentSpanId: string | undefined): Span {
  return {
    traceId,
    spanId: transitionId(row.message_id),
    ...parent(parentSpanId),
    name: `${row.definition} ${row.message_type}`,
    // What somebody asked for by a call, and what came from a topic.
    kind: row.causation_id === null ? 2 : 5,
    ...times(row.started_at, row.consumed_at),
    attributes: [
      text("ekiden.saga.id", row.saga_id),
      text("ekiden.saga.definition", row.definition),
      text("ekiden.saga.status", row.status),
      text("ekiden.saga.sequence", String(row.sequence)),
      text("ekiden.consumer", row.consumer),
      text("messaging.message.id", row.message_id),
    ],
  };
}

function transitionId(messageId: string): string {
  return hash(`${messageId}/transition`, 16);
}

function parent(parentSpanId: string | undefined): { readonly parentSpanId?: string } {
  return parentSpanId === undefined ? {} : { parentSpanId };
}

function times(from: Date, to: Date) {
  const nano = (time: Date) => `${time.getTime()}000000`;
  // Two clocks: Kafka's, and the database's.
  return { startTimeUnixNano: nano(from), endTimeUnixNano: nano(to < from ? from : to) };
}

function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

function hash(of: string, digits: number): string {
  return createHash("sha256").update(of).digest("hex").slice(0, digits);
}
