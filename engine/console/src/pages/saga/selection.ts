import { useEffect, useRef } from "preact/hooks";

import type { Message } from "../../data/shapes.ts";
import { useSame } from "../../parts/same.ts";
import { useKeys } from "../../shell/keys.ts";
import { useQuery } from "../../shell/place.ts";
import { ownerOf, showRow } from "./ledger-row.ts";

/** What is not read by then has not been reached: whatever comes of it later shall not move the page. */
const READ_WITHIN_MS = 5_000;

/**
 * One selection for graph, journey, waterfall and both lists; it stands in the address. `[` and `]` move it. The first
 * message that it means is brought into sight, once it is read.
 */
export function useSelection(messages: readonly Message[]) {
  const [query, change] = useQuery();
  const message = query.get("message") ?? undefined;
  const step = query.get("step") ?? undefined;
  const isMeant = (one: Message) => (message === undefined ? ownerOf(one) === step : one.messageId === message);
  const first = messages.find(isMeant)?.messageId;
  const askedAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    if (first === undefined) return;
    if (performance.now() - askedAt.current < READ_WITHIN_MS) showRow(first);
    askedAt.current = Number.NEGATIVE_INFINITY;
  }, [first, message, step]);
  const select = (next: Readonly<Record<"message" | "step", string | null>>) => {
    askedAt.current = performance.now();
    change(next, { replace: true });
  };
  const selectMessage = useSame((next: Message | undefined) => {
    // Whoever closes a message stays where it was.
    if (next === undefined) change({ message: null }, { replace: true });
    else select({ message: next.messageId, step: ownerOf(next) });
  });
  const selectStep = useSame((path: string) => select({ step: step === path ? null : path, message: null }));
  const move = (by: number) => {
    const at = messages.findIndex(({ messageId }) => messageId === message);
    const next = messages[at === -1 ? 0 : at + by];
    if (next !== undefined) selectMessage(next);
  };
  useKeys({ "[": () => move(-1), "]": () => move(1) });
  return {
    step,
    message,
    selectMessage,
    selectStep,
  };
}
