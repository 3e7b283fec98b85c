import type { InferOutput } from "valibot";

import { pathIn } from "../../core/path.ts";
import type { Sql } from "../../timeline/database.ts";
import type { StreamRow } from "../../timeline/read-stream.ts";
import type { Engine } from "../port.ts";
import { maskingOf } from "../sensitive.ts";
import type { StreamEvent } from "../stream-schema.ts";

/** An event as the stream sends it. */
export type EventView = InferOutput<typeof StreamEvent>;

/** Longer reasons are cut: the timeline has all of them. */
const REASON_MAX = 500;

/** Events as the stream shows them to who may read payloads; reasons masked like a timeline's bodies. */
export async function viewEvents(engine: Engine, sql: Sql, rows: readonly StreamRow[]): Promise<readonly EventView[]> {
  // Nothing else of an event can hold a person's data: most pages look up nothing.
  const failed = new Set(rows.filter((row) => row.error_code !== null).map((row) => row.correlation_id));
  const masking = failed.size === 0 ? undefined : await maskingOf(engine, sql, [...failed], { payloads: true });
  return rows.map((row) => {
    const { error_code: code, error_message: message, step_key: key } = row;
    const mask = masking?.of(row.correlation_id);
    const error =
      code === null || mask === undefined
        ? null
        : { code: mask.text(code), message: message === null ? null : mask.said(message, key).slice(0, REASON_MAX) };
    return {
      kind: row.status === null ? ("recorded" as const) : ("applied" as const),
      messageId: row.message_id,
      sagaId: row.correlation_id,
      definition: row.definition,
      type: row.message_type,
      step: row.step_key === null ? null : pathIn(row.correlation_id, row.step_key),
      action: row.action,
      attempt: row.attempt,
      sequence: row.sequence,
      status: row.status,
      error,
      at: row.at.toISOString(),
    };
  });
}

/** The same for all others: what a participant says of its reasons may be taken from a payload. */
export function withoutReason(view: EventView): EventView {
  return view.error === null ? view : { ...view, error: { code: view.error.code, message: null } };
}
