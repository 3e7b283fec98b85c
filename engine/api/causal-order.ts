import type { MessageHistory } from "../timeline/read-messages.ts";

/**
 * Each message behind the one that caused it, all others as they stand. Where a clock was set back, or counts in steps
 * that hold several messages, times put an effect before its cause; the times stay what they are.
 */
export function inCausalOrder<T extends Pick<MessageHistory, "message">>(items: readonly T[]): readonly T[] {
  const here = new Set(items.map(({ message }) => message.message_id));
  const told = new Set<string>();
  const waiting = new Map<string, T[]>();
  const ordered: T[] = [];
  const tell = (item: T): void => {
    const { message_id: id } = item.message;
    told.add(id);
    ordered.push(item);
    for (const effect of waiting.get(id) ?? []) tell(effect);
    waiting.delete(id);
  };
  for (const item of items) {
    const cause = item.message.causation_id;
    if (cause === null || !here.has(cause) || told.has(cause)) tell(item);
    else waiting.set(cause, [...(waiting.get(cause) ?? []), item]);
  }
  // Two that cause each other: no engine writes that, and they are not lost.
  return [...ordered, ...[...waiting.values()].flat()];
}
