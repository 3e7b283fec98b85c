/** One finding about a definition, as the API returns it. Positions are one-based. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable code, e.g. `definition.unknown-key`. */
  readonly code: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** The fix, as a sentence. */
  readonly hint: string;
}
