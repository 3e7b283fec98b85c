import type { CommittedRequest } from "../transport/port.ts";

/** What of a request's row the database alone knows; all as text. */
export interface WrittenRow {
  readonly message_id: string;
  /** ISO 8601 with microseconds. */
  readonly requested_at: string;
  readonly xid: string;
  readonly body: string;
  readonly headers?: string | null;
}

/** What of a request its writer knows. */
export interface WireParts {
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly topic: string;
  readonly messageType: string;
  readonly producer: string;
  readonly saga: string | null;
  readonly stepKey: string | null;
  readonly action: string | null;
  readonly attempt: number | null;
  readonly traceparent: string | null;
}

/**
 * A written request as it looks on the wire: what `timeline.wire` makes of its row, made here, since the function costs
 * 40 µs a message. The contract suite compares the two.
 */
export function wireOf(parts: WireParts, row: WrittenRow): CommittedRequest {
  return {
    messageId: row.message_id,
    topic: parts.topic,
    key: parts.correlationId,
    value: row.body,
    requestedAt: new Date(row.requested_at),
    xid: row.xid,
    headers: {
      id: row.message_id,
      correlation_id: parts.correlationId,
      causation_id: parts.causationId,
      type: parts.messageType,
      producer: parts.producer,
      saga: parts.saga,
      step_key: parts.stepKey,
      action: parts.action,
      attempt: parts.attempt === null ? null : String(parts.attempt),
      traceparent: parts.traceparent,
      headers: row.headers ?? null,
      ce_id: row.message_id,
      ce_type: parts.messageType,
      ce_source: parts.producer,
      ce_subject: parts.correlationId,
      ce_time: row.requested_at,
      ce_specversion: "1.0",
      "content-type": "application/json",
    },
  };
}

/** A row as `timeline.wire` returns it: JSON knows no time. */
export type Wire = Omit<CommittedRequest, "requestedAt"> & { readonly requestedAt: string };

/** A row that `timeline.wire` made, as the transport takes it. */
export function fromWire(wire: Wire): CommittedRequest {
  return { ...wire, requestedAt: new Date(wire.requestedAt) };
}
