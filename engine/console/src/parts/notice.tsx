import { Cell, useCell } from "../data/cell.ts";

const shown = new Cell<{ readonly text: string; readonly at: number } | undefined>(undefined);

/** Says for a moment that something was done. */
export function notice(text: string): void {
  const at = performance.now();
  shown.set({ text, at });
  setTimeout(() => {
    if (shown.value?.at === at) shown.set(undefined);
  }, 4_000);
}

/** Where notices are shown. */
export function Notices() {
  const current = useCell(shown);
  return (
    <div class="notices" role="status">
      {current === undefined ? null : <p>✓ {current.text}</p>}
    </div>
  );
}
