import { useEffect } from "preact/hooks";

import { Cell, useCell } from "../data/cell.ts";

const opened = new Cell<string | undefined>(undefined);

/** Names what is open on a page, for the title of the window; undefined: nothing, or not known yet. */
export function useOpened(name: string | undefined): void {
  useEffect(() => {
    opened.set(name);
    return () => opened.set(undefined);
  }, [name]);
}

/** Titles the window, among many tabs what tells one from the other first: `A-1042 · Sagas · Ekiden`. */
export function useTitle(page: string, part?: string): void {
  const open = useCell(opened) ?? part;
  useEffect(() => {
    document.title = [open, page, "Ekiden"].filter((one) => one !== undefined && one !== "").join(" · ");
  }, [open, page]);
}
