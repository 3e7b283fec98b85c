import type { Json } from "../../engine/core/json.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { transact } from "../../engine/timeline/store.ts";
import type { Side } from "./open-transport.ts";

/** Writes one message to the timeline; `key`: under its lock, else under a key of its own. Returns its id. */
export async function putNote(side: Side, key?: string, body: Json = {}): Promise<string> {
  const messageId = newId();
  await transact(side.store, async (unit) => {
    if (key !== undefined) await unit.tx`select timeline.lock_saga(${key})`;
    unit.request({
      messageId,
      correlationId: key ?? newId(),
      causationId: null,
      topic: "timeline",
      messageType: "note.taken",
      saga: "c",
      stepKey: null,
      action: null,
      attempt: null,
      traceparent: null,
      messageHeaders: null,
      messageBody: body,
    });
  });
  return messageId;
}
