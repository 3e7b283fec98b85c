import { useEffect, useRef } from "preact/hooks";

/** Key → what it does. `g s` is one key after another. */
export type Keys = Readonly<Record<string, () => void>>;

/** How long after `g` the second key may come. */
const CHORD_MS = 1_500;

let first: { readonly key: string; readonly at: number } | undefined;

/** Keys of a page, while it is shown. Not while somebody writes, or a dialog is open. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isWriting(event.target)) return;
      const before = first !== undefined && performance.now() - first.at < CHORD_MS ? `${first.key} ` : "";
      const act = current.current[`${before}${event.key}`] ?? (before === "" ? undefined : current.current[event.key]);
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

/** Remembers the first key of a chord. Who types fast presses the second before the first is let go. */
export function watchChords(): void {
  addEventListener("keydown", (event) => {
    const isAlone = !event.metaKey && !event.ctrlKey && !event.altKey;
    const before = first;
    if (event.key === "g" && isAlone && !isWriting(event.target)) first = { key: "g", at: performance.now() };
    // After the pages have seen it, whichever key it was.
    else
      setTimeout(() => {
        if (first === before) first = undefined;
      });
  });
}

function isWriting(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  // A box that is ticked takes no text.
  if (target instanceof HTMLInputElement && target.type === "checkbox") return false;
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** The key of the row that has the focus. */
export function focusedRow(): string | undefined {
  return document.activeElement?.closest<HTMLElement>("[data-row]")?.dataset["row"];
}

/** Moves the focus from row to row: `j` and `k`. Rows carry `data-row`, and open by their own link with Enter. */
export function moveRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  const link = next?.querySelector<HTMLElement>("a, button") ?? next;
  link?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
