import { Cell, useCell } from "../../data/cell.ts";

const drafts = new Map<string, Cell<string | undefined>>();

/** The text of a definition that somebody edits, kept while this tab is open; undefined: it is as it is stored. */
export function useDraft(name: string): readonly [string | undefined, (text: string | undefined) => void] {
  let cell = drafts.get(name);
  if (cell === undefined) {
    cell = new Cell<string | undefined>(undefined);
    drafts.set(name, cell);
  }
  const known = cell;
  return [useCell(known), (text) => known.set(text)];
}
