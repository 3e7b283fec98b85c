import type { Json } from "../core/json.ts";
import type { StoredEvent } from "../timeline/saga-row.ts";
import type { Delivery } from "../transport/port.ts";

/** Answers, and what one saga says to another. */
const BY_DELIVERY =
  /^(step|compensation)\.(succeeded|skipped|rejected|failed)$|^child\.|^(compensate\.requested|parent\.terminated)$/;

/**
 * The events that this process has written and hands to itself for the first time, by message id: they need not be read
 * from the event store. Those that only a delivery applies, and those that `isApplied` knows; of others, which a call may
 * have applied with its own transaction, the consumption has to say. So it has of one that was sent again and stands in the
 * batch a second time: only what is consumed by its own delivery fails where somebody was before it.
 */
export function ownEvents(batch: readonly Delivery[]): ReadonlyMap<string, StoredEvent> {
  const others = new Set(batch.flatMap(({ own, headers }) => (own ? [] : [headers["id"]])));
  return new Map(
    batch.flatMap((delivery) => {
      const type = delivery.headers["type"] ?? "";
      const isKnown = BY_DELIVERY.test(type) || isApplied(delivery);
      return delivery.own && isKnown && !others.has(delivery.headers["id"])
        ? [[delivery.headers["id"] as string, eventOf(delivery)] as const]
        : [];
    }),
  );
}

/**
 * A start that its own transaction has applied, and what a saga says of its own life: they move nothing. A transaction of
 * its own for each was two of the five that a saga of three steps took on an idle engine.
 */
export function isApplied({ headers }: Delivery): boolean {
  const type = headers["type"] ?? "";
  return type === "saga.started" ? (headers["headers"] ?? null) === null : type.startsWith("saga.");
}

function eventOf({ topic, key, headers, value }: Delivery): StoredEvent {
  const attempt = headers["attempt"] ?? null;
  const type = headers["type"] as string;
  return {
    message_id: headers["id"] as string,
    correlation_id: headers["correlation_id"] as string,
    topic,
    message_key: key as string,
    message_type: type,
    saga: headers["saga"] ?? null,
    step_key: headers["step_key"] ?? null,
    attempt: attempt === null ? null : Number(attempt),
    traceparent: headers["traceparent"] ?? null,
    message_body: JSON.parse(value as string) as Json,
    // The transaction that starts a saga has consumed its start; what a saga says of its life nobody has.
    done: type === "saga.started",
    counted: false,
  };
}
