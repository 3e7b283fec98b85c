/** Rows under a heading, in columns as wide as their widest cell. Empty: the sentence `none`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return none;
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => Bun.stringWidth(row[at] ?? ""))));
  return all
    .map((row) =>
      row
        .map((cell, at) => pad(cell, widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `name  value` lines; what has no value is left out. */
export function facts(pairs: readonly (readonly [string, string | null | undefined])[]): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => typeof pair[1] === "string");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

/** A time as people read it, to the second, in UTC. */
export function time(text: string | null): string {
  return text === null ? "-" : text.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}
