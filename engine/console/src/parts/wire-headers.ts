import type { Message } from "../data/shapes.ts";

/** A message's headers as they travel: those that the engine sets and, below `headers`, those that were given to it. */
export function wireHeaders(message: Message): Readonly<Record<string, unknown>> {
  const { messageId, sagaId, causationId, type, producer, saga, stepKey, action, attempt, traceparent, headers } =
    message;
  const all = {
    id: messageId,
    correlation_id: sagaId,
    causation_id: causationId,
    type,
    producer,
    saga,
    step_key: stepKey,
    action,
    attempt,
    traceparent,
    headers,
  };
  // An empty column is an absent header.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}
