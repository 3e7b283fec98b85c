import type { Position } from "../core/definition.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { DiagnosticCode } from "./diagnostic-codes.ts";

const LISTED_MAX = 200;

/** Collects what parser and checks find. A finding repeated at the same place is kept once. */
export class Findings {
  readonly #found = new Map<string, Diagnostic>();

  error(code: DiagnosticCode, at: Position, message: string, hint: string): void {
    this.#add({ severity: "error", code, message, line: at.line, column: at.column, hint });
  }

  warning(code: DiagnosticCode, at: Position, message: string, hint: string): void {
    this.#add({ severity: "warning", code, message, line: at.line, column: at.column, hint });
  }

  get hasErrors(): boolean {
    return [...this.#found.values()].some((each) => each.severity === "error");
  }

  /** In the order of the file, at most 200: whoever has more begins with these. */
  list(): readonly Diagnostic[] {
    const sorted = [...this.#found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
    const errors = sorted.filter((each) => each.severity === "error");
    // An error must be among them: the caller tells by it that there is no definition.
    return sorted.length <= LISTED_MAX ? sorted : (errors.length === 0 ? sorted : errors).slice(0, LISTED_MAX);
  }

  #add(diagnostic: Diagnostic): void {
    const key = `${diagnostic.code} ${diagnostic.line}:${diagnostic.column} ${diagnostic.message}`;
    if (this.#found.has(key)) return;
    this.#found.set(key, { ...diagnostic, message: clipped(diagnostic.message), hint: clipped(diagnostic.hint) });
  }
}

/** Messages quote the file, and a name in it may be 200 KiB long. */
function clipped(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 499)}…`;
}
