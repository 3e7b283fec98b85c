import type { Json } from "../core/json.ts";
import type { Tx, Write } from "./database.ts";

/** A signal as it is kept for its saga. */
export interface NewSignal {
  readonly messageId: string;
  readonly sagaId: string;
  readonly signal: string;
  readonly payload: Json;
}

/** Keeps signals; what takes one writes down which wait it was. */
export function signalInserts(tx: Tx, signals: readonly NewSignal[]): readonly Write[] {
  if (signals.length === 0) return [];
  // In a list of one: a payload of null is a value, and stays one.
  const rows = signals.map(({ payload, ...signal }) => ({ ...signal, payload: [payload] }));
  const insert = tx`
    insert into timeline.signal (message_id, saga_id, signal, payload)
    select w."messageId", w."sagaId", w.signal, w.payload->0
    from jsonb_to_recordset(${tx.json(rows as never)}) as w ("messageId" text, "sagaId" text, signal text, payload jsonb)
  `;
  return [insert];
}
