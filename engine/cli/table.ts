import { oneLine } from "../telemetry/printable.ts";

/** Rows under a heading, in columns as wide as their widest cell. Empty: the sentence `none`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return none;
  const all = [head, ...rows].map((row) => row.map(oneLine));
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
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(value)}`).join("\n");
}

/** A time as people read it, to the second, in UTC. */
export function time(text: string | null): string {
  return text === null ? "-" : text.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** The same to the millisecond, where one thing follows the other. */
export function moment(text: string): string {
  return text.replace("T", " ");
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** From one time to another, as the console writes it: `412 ms`, `3.2 s`, `4 m 10 s`, `2 d 3 h`. */
export function took(from: string | null, to: string | null): string {
  if (from === null || to === null) return "-";
  // A whole one first: 59,990 ms are a minute, no 60 s.
  const exact = Math.max(0, Date.parse(to) - Date.parse(from));
  if (exact < 1_000) return `${exact} ms`;
  if (exact < 9_950) return `${(exact / 1_000).toFixed(1)} s`;
  const ms = Math.round(exact / 1_000) * 1_000;
  const at = UNITS.findIndex(([, length]) => ms >= length);
  const [name, length] = UNITS[at] ?? UNITS[3];
  const [lower, below] = UNITS[at + 1] ?? ["", 0];
  const rest = below === 0 ? 0 : Math.floor((ms % length) / below);
  return `${Math.floor(ms / length)} ${name}${rest === 0 ? "" : ` ${rest} ${lower}`}`;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}
