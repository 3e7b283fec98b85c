import { createInstrumenter } from "istanbul-lib-instrument";

/** Name of the global under which the counters of all files stand. */
export const VARIABLE = "branchCounters";

interface Span {
  readonly start: { readonly line?: number };
}

/** What one file has counted: of each branch its kind, where its arms stand, and how often each was taken. */
export interface FileCounters {
  readonly branchMap: Readonly<Record<string, BranchMap>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

interface BranchMap {
  readonly type: string;
  readonly loc: Span;
  readonly locations: readonly Span[];
}

/** Counters by path. */
export type Counters = Readonly<Record<string, FileCounters>>;

/** A source with counters at its branches, and the counters as they stand before anything has run. */
export function instrumented(path: string, source: string): { readonly code: string; readonly counters: FileCounters } {
  // Babel reads TypeScript as it stands, so the places are those of the file and no map back is needed.
  const instrumenter = createInstrumenter({
    coverageVariable: VARIABLE,
    esModules: true,
    compact: false,
    parserPlugins: ["typescript"],
  });
  const code = instrumenter.instrumentSync(source, path);
  return { code, counters: instrumenter.lastFileCoverage() };
}
