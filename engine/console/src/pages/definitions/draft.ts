import { Cell, useCell } from "../../data/cell.ts";

const drafts = new Map<string, Cell<string | undefined>>();

function draftOf(name: string): Cell<string | undefined> {
  let cell = drafts.get(name);
  if (cell === undefined) {
    cell = new Cell<string | undefined>(undefined);
    drafts.set(name, cell);
  }
  return cell;
}

/** Begins an edit with a text that is written elsewhere. False: another one is begun, which would be lost. */
export function beginDraft(name: string, text: string): boolean {
  const cell = draftOf(name);
  if (cell.value !== undefined && cell.value !== text) return false;
  cell.set(text);
  return true;
}

/** The text of a definition that somebody edits, kept while this tab is open; undefined: it is as it is stored. */
export function useDraft(name: string): readonly [string | undefined, (text: string | undefined) => void] {
  const known = draftOf(name);
  return [useCell(known), (text) => known.set(text)];
}
