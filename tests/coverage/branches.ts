import type { Counters, FileCounters } from "./counters.ts";

/** How much of a room was taken, and what was not: `answer.ts: if (held) return; (not taken)`. */
export interface Coverage {
  readonly taken: number;
  readonly all: number;
  readonly missing: readonly string[];
}

/** A branch that no test takes, and why none can. */
export interface Explained {
  readonly branch: string;
  readonly why: string;
}

/** Sums up the files whose sources are given; paths are those of the counters. */
export function coverageOf(counters: Counters, sources: Readonly<Record<string, string>>): Coverage {
  const files = Object.entries(sources).map(([path, source]) => fileCoverage(path, source, counters[path]));
  return {
    taken: files.reduce((sum, { taken }) => sum + taken, 0),
    all: files.reduce((sum, { all }) => sum + all, 0),
    missing: files.flatMap(({ missing }) => missing),
  };
}

function fileCoverage(path: string, source: string, counters: FileCounters | undefined): Coverage {
  const lines = source.split("\n");
  const file = path.slice(path.lastIndexOf("/") + 1);
  const arms = Object.entries(counters?.b ?? {}).flatMap(([id, counts]) => {
    const branch = counters?.branchMap[id];
    return counts.map((count, arm) => ({ count, branch, arm }));
  });
  const missing = arms
    .filter(({ count }) => count === 0)
    .map(({ branch, arm }) => {
      // An `else` that is not written has no place of its own.
      const place = branch?.type === "if" ? branch.loc : (branch?.locations[arm] ?? branch?.loc);
      const line = lines[(place?.start.line ?? 0) - 1]?.trim() ?? "";
      return `${file}: ${line} (${armName(branch?.type ?? "", arm)})`;
    });
  return { taken: arms.length - missing.length, all: arms.length, missing };
}

function armName(type: string, arm: number): string {
  if (type === "if") return arm === 0 ? "taken" : "not taken";
  if (type === "cond-expr") return arm === 0 ? "then" : "else";
  return type === "switch" ? "case" : `${type} ${arm + 1}`;
}

/** What a report breaks: too little is taken, a branch is missing without a reason, or a reason has become untrue. */
export function coverageFaults(coverage: Coverage, explained: readonly Explained[], least: number): string[] {
  const percent = percentOf(coverage);
  const reasons = explained.map(({ branch }) => branch);
  return [
    ...(percent > least
      ? []
      : [`${percent.toFixed(2)} % of the branches are taken, more than ${least} % are required`]),
    ...surplus(coverage.missing, reasons).map((branch) => `no test takes ${branch}`),
    ...surplus(reasons, coverage.missing).map((branch) => `is taken, or gone, and needs no reason: ${branch}`),
  ];
}

/** What stands in the first list more often than in the second: the same line may stand twice in a file. */
function surplus(first: readonly string[], second: readonly string[]): string[] {
  const left = [...second];
  return first.filter((entry) => {
    const index = left.indexOf(entry);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

export function percentOf({ taken, all }: Coverage): number {
  return all === 0 ? 0 : (100 * taken) / all;
}
