import type { Message } from "../../data/shapes.ts";

/** Path of the step that a message is about; "" when it is about the saga. */
export function stepOf({ stepKey, sagaId }: Message): string {
  if (stepKey === null) return "";
  return sagaId !== null && stepKey.startsWith(`${sagaId}/`) ? stepKey.slice(sagaId.length + 1) : stepKey;
}

/** Path of the step without what a list of compensations appends. */
export function ownerOf(message: Message): string {
  return stepOf(message).replace(/\/compensate\/.*$/, "");
}

/** Brings a message's row into sight, once it is drawn. */
export function showRow(messageId: string): void {
  requestAnimationFrame(() => document.getElementById(`message-${messageId}`)?.scrollIntoView({ block: "nearest" }));
}
