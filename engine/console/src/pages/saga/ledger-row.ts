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

/** Brings a message's row and its bar into sight, once they are drawn. */
export function showRow(messageId: string): void {
  requestAnimationFrame(() => {
    showBar(document.getElementById(`bar-${messageId}`));
    document.getElementById(`message-${messageId}`)?.scrollIntoView({ block: "nearest" });
  });
}

/** Inside the box of the bars alone: the page goes to the row. */
function showBar(bar: HTMLElement | null): void {
  const box = bar?.closest(".waterfall");
  if (bar === null || box === null || box === undefined) return;
  const [inner, outer] = [bar.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop += inner.top - outer.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
}
