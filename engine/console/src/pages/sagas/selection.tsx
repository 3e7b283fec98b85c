import { useRef, useState } from "preact/hooks";

import { may } from "../../data/session.ts";
import type { Saga } from "../../data/shapes.ts";
import type { Column } from "../../parts/table.tsx";
import { focusedRow, useKeys } from "../../shell/keys.ts";
import { t } from "./text.ts";

/** Which rows are chosen, and the ways to choose. */
export interface Selection {
  readonly chosen: readonly Saga[];
  /** The column of boxes; undefined: whoever is signed in can do nothing with a choice. */
  readonly column: Column<Saga> | undefined;
  clear(): void;
}

/** Rows are chosen by their boxes, with shift up to the one before; by `x` and `X` for the row that has the focus. */
export function useSelection(rows: readonly Saga[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  // The other end of a span.
  const last = useRef<string | undefined>(undefined);
  const toggle = (id: string, span: boolean) => {
    const on = !ids.has(id);
    const from = span ? rows.findIndex(({ sagaId }) => sagaId === last.current) : -1;
    const to = rows.findIndex(({ sagaId }) => sagaId === id);
    const meant = from === -1 ? [id] : rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row.sagaId);
    last.current = id;
    setIds(changed(ids, meant, on));
  };
  const toggleFocused = (span: boolean) => {
    const id = focusedRow();
    if (id !== undefined && may("operator")) toggle(id, span);
  };
  const clear = () => setIds(new Set());
  useKeys({ x: () => toggleFocused(false), X: () => toggleFocused(true), Escape: clear });
  // What has left the list is not chosen any more: nobody sees it.
  const chosen = rows.filter(({ sagaId }) => ids.has(sagaId));
  const all = rows.length > 0 && chosen.length === rows.length;
  const column = {
    head: t("select"),
    headCell: (
      <input
        type="checkbox"
        aria-label={t("selectAll")}
        checked={all}
        indeterminate={!all && chosen.length > 0}
        onChange={() => setIds(all ? new Set() : new Set(rows.map(({ sagaId }) => sagaId)))}
      />
    ),
    cell: ({ sagaId, key }: Saga) => (
      <input
        type="checkbox"
        aria-label={t("selectOne", { name: key ?? sagaId })}
        checked={ids.has(sagaId)}
        onClick={(event) => toggle(sagaId, event.shiftKey)}
      />
    ),
  };
  return { chosen, column: may("operator") ? column : undefined, clear };
}

function changed(ids: ReadonlySet<string>, meant: readonly string[], on: boolean): ReadonlySet<string> {
  const next = new Set(ids);
  for (const id of meant) {
    if (on) next.add(id);
    else next.delete(id);
  }
  return next;
}
