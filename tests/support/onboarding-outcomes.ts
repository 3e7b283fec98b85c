/** What a line of `start --from --json` says, as far as tests read it. */
export interface Result {
  readonly line: number;
  readonly result: string;
  readonly sagaId: string;
  readonly status: string;
  readonly waitingFor?: readonly string[];
}

/** Onboarding sagas by where they stand. */
export interface Outcomes {
  readonly completed: number;
  readonly failed: number;
  /** For their reviewer. */
  readonly waiting: number;
  readonly other: number;
}

/** Counts results by where their sagas stand. */
export function outcomes(results: readonly Pick<Result, "status" | "waitingFor">[]): Outcomes {
  const count = (fits: (result: (typeof results)[number]) => boolean) => results.filter(fits).length;
  const completed = count(({ status }) => status === "completed");
  const failed = count(({ status }) => status === "failed");
  const waiting = count((it) => it.status === "running" && it.waitingFor?.join() === "screening_reviewed");
  return { completed, failed, waiting, other: results.length - completed - failed - waiting };
}

/** The table of outcomes in a README, the only one of two columns of numbers: completed, failed, waiting. */
export function outcomesOf(readme: string): { readonly before: Outcomes; readonly after: Outcomes } {
  const rows = [...readme.matchAll(/^\|[^|\n]+\| *(\d+) *\| *(\d+) *\|$/gm)];
  if (rows.length !== 3) throw new Error(`a table of outcomes has 3 rows of numbers, found ${rows.length}`);
  const column = (at: 1 | 2): Outcomes => {
    const [completed = -1, failed = -1, waiting = -1] = rows.map((row) => Number(row[at]));
    return { completed, failed, waiting, other: 0 };
  };
  return { before: column(1), after: column(2) };
}
