import type { Message } from "../../data/shapes.ts";

/** From what a consumer made of one message to the request that came of it; `own`: from a request to its consumption. */
export interface Link {
  readonly from: string;
  readonly to: string;
  /** `before`: further up, how it came to the cause. */
  readonly kind: "own" | "cause" | "effect" | "before";
}

/** What led to a message, up to the first that is shown, and what came of it. */
export function linksOf(messages: readonly Message[], selected: string | undefined): readonly Link[] {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const message = byId.get(selected ?? "");
  if (message === undefined) return [];
  const links: Link[] = [];
  const seen = new Set<string>();
  for (let at = message; !seen.has(at.messageId); ) {
    seen.add(at.messageId);
    const cause = byId.get(at.causationId ?? "");
    if (cause === undefined) break;
    links.push({ from: cause.messageId, to: at.messageId, kind: at === message ? "cause" : "before" });
    if (cause.consumptions.length > 0) links.push({ from: cause.messageId, to: cause.messageId, kind: "before" });
    at = cause;
  }
  if (message.consumptions.length > 0) links.push({ from: message.messageId, to: message.messageId, kind: "own" });
  for (const effect of messages)
    if (effect.causationId === selected) links.push({ from: message.messageId, to: effect.messageId, kind: "effect" });
  return links;
}
