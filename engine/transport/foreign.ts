import type { Json } from "../core/json.ts";
import type { Delivery } from "./port.ts";

const BODY_MAX = 256 * 1024;

/** A delivery as the participant's SQL functions take it: place, key and headers; the body is read from the event store. */
export function claimMessage(delivery: Delivery, consumer: string): Record<string, Json> {
  return {
    topic: delivery.topic,
    partition: delivery.partition,
    offset: delivery.offset,
    timestamp: delivery.recordedAt.getTime(),
    receivedAt: delivery.receivedAt.toISOString(),
    key: delivery.key === null ? null : storable(delivery.key),
    headers: { id: storable(delivery.headers["id"] ?? ""), type: storable(delivery.headers["type"] ?? "") },
    consumer,
  };
}

/** A delivery that nobody of ours wrote, whole, in a form that PostgreSQL can keep whatever its bytes were. */
export function foreignMessage(delivery: Delivery, consumer: string): Record<string, Json> {
  // A header may be named `__proto__`: entries keep it, an assignment would lose it.
  const entries = Object.entries(delivery.headers);
  const headers = Object.fromEntries(
    entries.map(([name, text]) => [storable(name), text === null ? null : storable(text)]),
  );
  const value = delivery.value === null ? null : storable(delivery.value.slice(0, BODY_MAX));
  return { ...claimMessage(delivery, consumer), headers, value };
}

/** NUL and lone surrogates cannot stand in PostgreSQL's text: an unguarded one would fail the whole batch for ever. */
export function storable(text: string): string {
  return text.replaceAll("\u0000", "\uFFFD").toWellFormed();
}
