import type { LineFault } from "./lines.ts";

/** What became of one line. */
export interface LineResult {
  /** Line number in the input. */
  readonly line: number;
  /** `started`, `signalled`: by this run. `known`: by an earlier one, or by an equal request. `refused`: not at all. */
  readonly result: "started" | "signalled" | "known" | "refused";
  readonly sagaId?: string;
  readonly status?: string;
  /** Signals that the saga waits for. */
  readonly waitingFor?: readonly string[];
  /** Why it was refused: the engine's problem, or the same form for a line that was not sent. */
  readonly problem?: unknown;
  /** The same for a person. */
  readonly text?: string;
  /** Where the saga stands, in words; only with `--wait`. */
  readonly standing?: string;
}

/** A line that cannot be sent. */
export function faulty(line: number, { code, detail, hint }: LineFault): LineResult {
  return { line, result: "refused", problem: { code, detail, hint }, text: `${detail}\nfix: ${hint}` };
}
