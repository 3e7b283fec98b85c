import type { Bound } from "../core/bound.ts";
import type { Subscription } from "./port.ts";

/** Most messages that one group holds in memory; the adapter stops fetching above it. */
export const HELD_MAX = 2_000;
/** The same in bytes of their bodies: at most one message more. */
export const HELD_MAX_BYTES = 32 * 1024 * 1024;
/** The share of those from which on a group counts as full: each end makes room for one more, for a moment. */
export const NEARLY_FULL = 0.9;
/** Most messages of one group that are to be tried again, beside those; more of them count as held. */
export const WAITING_MAX = 10_000;
/** The same in bytes of their bodies. */
export const WAITING_MAX_BYTES = 32 * 1024 * 1024;

/** What a group's lanes hold and do now. */
export interface LaneLoad {
  readonly held: number;
  readonly bytes: number;
  /** Messages that are to be tried again. */
  readonly waiting: number;
  readonly batches: number;
  readonly singles: number;
  /** How often a message came that filled the last room. */
  readonly full: number;
}

/** The bounds of a group's lanes, for metrics. */
export function laneBounds({ group, lanes, singles }: Subscription, load: () => LaneLoad): readonly Bound[] {
  const bound = (name: string, help: string, limit: number, what: keyof LaneLoad, hits: () => number): Bound => ({
    name,
    labels: { group },
    help,
    limit,
    now: () => load()[what],
    hits,
  });
  const never = () => 0;
  return [
    bound("ekiden_messages_in_hand", "Messages taken in and not done.", HELD_MAX, "held", () => load().full),
    bound("ekiden_message_bytes_in_hand", "Bytes of their bodies.", HELD_MAX_BYTES, "bytes", never),
    bound("ekiden_messages_waiting", "Messages that are to be tried again.", WAITING_MAX, "waiting", never),
    bound("ekiden_batches_running", "Batches in progress.", lanes, "batches", never),
    bound("ekiden_singles_running", "Messages in progress that go alone.", singles, "singles", never),
  ];
}
