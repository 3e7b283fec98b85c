import { shortTable } from "./peers-report.ts";
import type { Side } from "./side-by-side.ts";

/** A README that shows the table, and the words of its language for the columns. */
export interface Readme {
  readonly file: string;
  readonly head: readonly string[];
}

/** Both of them: one run writes the same figures into each. */
export const READMES: readonly Readme[] = [
  {
    file: "README.md",
    head: ["sagas/s", "Ekiden to it, same round", "one saga, idle: p50 / p95 ms", "CPU ms a saga"],
  },
  {
    file: "README.ja.md",
    head: ["サーガ/秒", "Ekiden の倍率（同じ回）", "待機中の 1 サーガ p50 / p95 ms", "1 サーガの CPU ms"],
  },
];

const BEGIN = "<!-- bench/peers.md: written by `bun run bench peers --write` -->";
const END = "<!-- end of bench/peers.md -->";

/** A README with the table of a run between its two marks. @throws when it has no marks. */
export function inReadme(text: string, sides: readonly Side[], { file, head }: Readme): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table: ${BEGIN} … ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${shortTable(sides, head).join("\n")}\n\n${text.slice(to)}`;
}

/** The table that a README shows. */
export function tableOfReadme(text: string): string {
  return text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)).trim();
}
