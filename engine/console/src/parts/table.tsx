import type { ComponentChildren } from "preact";

import { useGradually } from "./gradual.ts";
import { Scroll } from "./scroll.tsx";

export interface Column<T> {
  readonly head: string;
  /** Stands in its head instead of the text. */
  readonly headCell?: ComponentChildren;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand to the right. */
  readonly number?: boolean;
  /** Left out where there is little room. */
  readonly wide?: boolean;
}

interface TableProps<T> {
  /** What the table is of, for those who do not see it. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** The row that is selected, by its key. */
  readonly selected?: string | undefined;
  readonly onSelect?: (row: T) => void;
  /** So many rows are in sight at first, of a box that scrolls; without it, all are drawn at once. */
  readonly first?: number;
}

/** A table. `j` and `k` go from row to row; the first link or button of a row opens it. */
export function Table<T>({ label, columns, rows, keyOf, selected, onSelect, first }: TableProps<T>) {
  const drawn = useGradually(rows.length, first ?? rows.length, first === undefined || selected !== undefined);
  return (
    <Scroll class="table" label={label}>
      <table>
        <thead>
          <tr>
            {columns.map(({ head, headCell, number, wide }) => (
              <th key={head} scope="col" class={classOf(number, wide)}>
                {headCell ?? head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, drawn).map((row) => (
            <tr
              key={keyOf(row)}
              data-row={keyOf(row)}
              class={keyOf(row) === selected ? "selected" : undefined}
              onClick={onSelect === undefined ? undefined : () => onSelect(row)}
            >
              {columns.map(({ head, cell, number, wide }) => (
                <td key={head} class={classOf(number, wide)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function classOf(number = false, wide = false): string | undefined {
  const classes = [...(number ? ["number"] : []), ...(wide ? ["wide"] : [])];
  return classes.length === 0 ? undefined : classes.join(" ");
}
