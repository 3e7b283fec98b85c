import type { Applicant, Credit, Result } from "./messages.ts";

/** From this score on nobody needs to look. */
export const APPROVED_FROM = 20;
/** From this score on a reviewer decides; below it the answer is no. */
export const REVIEWED_FROM = -5;

/**
 * The points table: positive speaks for the applicant. Sizes follow how often each group of the German Credit Data
 * paid back. The data's sex, marital status and origin are left out on purpose: nobody may be screened by them.
 */
export const POINTS = {
  checking: {
    "... < 0 DM": -20,
    "0 <= ... < 200 DM": -10,
    "... >= 200 DM / salary assignments for at least 1 year": 10,
    "no checking account": 20,
  },
  savings: {
    "... < 100 DM": -5,
    "500 <= ... < 1000 DM": 10,
    "... >= 1000 DM": 15,
    "unknown/ no savings account": 10,
  },
  housing: { own: 5, rent: -10, free: -10 },
  job: {
    "skilled employee / official": 5,
    "unemployed/ unskilled - non-resident": -5,
  },
  purpose: { "car (used)": 10, "radio/television": 10, "car (new)": -5, education: -10 },
  /** Years; the first line that fits counts. */
  age: [
    { below: 26, points: -10 },
    { below: 35, points: 0 },
    { below: Number.POSITIVE_INFINITY, points: 5 },
  ],
  /** Months until the credit is paid back; the first line that fits counts. */
  months: [
    { below: 12, points: 15 },
    { below: 18, points: 5 },
    { below: 36, points: 0 },
    { below: 48, points: -10 },
    { below: Number.POSITIVE_INFINITY, points: -20 },
  ],
  /** Currency units; the first line that fits counts. */
  amount: [
    { below: 1_000, points: 0 },
    { below: 4_000, points: 5 },
    { below: 8_000, points: 0 },
    { below: Number.POSITIVE_INFINITY, points: -15 },
  ],
} as const;

/** What the rule found; `reasons` reads like a receipt: `checking "no checking account": +20`. */
export interface Decision {
  readonly result: Result;
  readonly score: number;
  readonly reasons: string[];
}

/** The whole credit decision. The same application always gets the same answer. */
export function decide(applicant: Applicant, credit: Credit): Decision {
  const lines = [
    category("checking", applicant.checking, POINTS.checking),
    category("savings", applicant.savings, POINTS.savings),
    category("housing", applicant.housing, POINTS.housing),
    category("job", applicant.job, POINTS.job),
    category("purpose", credit.purpose, POINTS.purpose),
    band("age", applicant.age, POINTS.age),
    band("months", credit.months, POINTS.months),
    band("amount", credit.amount, POINTS.amount),
  ];
  const counted = lines.filter((line) => line.points !== 0);
  const score = counted.reduce((sum, line) => sum + line.points, 0);
  return { result: resultOf(score), score, reasons: counted.map(reason) };
}

function resultOf(score: number): Result {
  if (score >= APPROVED_FROM) return "approved";
  return score >= REVIEWED_FROM ? "manual_review" : "rejected";
}

interface Line {
  readonly subject: string;
  readonly value: string | number;
  readonly points: number;
}

/** A value that the table does not know is neutral: a new category at the counter must not turn people away. */
function category(subject: string, value: string, points: Readonly<Record<string, number>>): Line {
  // `hasOwn`, since a value such as "constructor" would otherwise find what every object inherits.
  return { subject, value, points: Object.hasOwn(points, value) ? (points[value] ?? 0) : 0 };
}

function band(
  subject: string,
  value: number,
  bands: readonly { readonly below: number; readonly points: number }[],
): Line {
  return { subject, value, points: bands.find((candidate) => value < candidate.below)?.points ?? 0 };
}

function reason(line: Line): string {
  // A free string goes into the reason: cut, so that a reason stays a line.
  const value = typeof line.value === "string" ? `"${line.value.slice(0, 80)}"` : String(line.value);
  return `${line.subject} ${value}: ${line.points > 0 ? "+" : ""}${line.points}`;
}
