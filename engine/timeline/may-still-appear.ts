import type { Delivery } from "../transport/port.ts";
import { isUlid } from "./ids.ts";

/** Between what the write-ahead log says and what a query sees lie a scheduler's turn and the round trip to a synchronous standby. */
const VISIBLE_WITHIN_MS = 3_000;

/**
 * Whether a message that the event store does not hold may be ours all the same: PostgreSQL sends a transaction to the
 * connector as soon as it stands in the log, a moment before others see its rows. It is to come again `later`.
 */
export function mayStillAppear({ headers, receivedAt }: Delivery): boolean {
  return isUlid(headers["id"] ?? "") && Date.now() - receivedAt.getTime() < VISIBLE_WITHIN_MS;
}
