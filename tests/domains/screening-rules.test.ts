import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { APPROVED_FROM, decide, REVIEWED_FROM } from "../../domains/screening/decide.ts";
import type { Applicant, Credit, Result } from "../../domains/screening/messages.ts";
import { committedApplications } from "./data-files.ts";

const settled: Applicant = {
  name: "Yui Tanaka",
  email: "yui.tanaka@example.jp",
  age: 45,
  housing: "own",
  job: "skilled employee / official",
  checking: "no checking account",
  savings: "... >= 1000 DM",
};
const small: Credit = { amount: 1200, months: 6, purpose: "radio/television" };

const applicants: fc.Arbitrary<Applicant> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 100 }),
  email: fc.string(),
  age: fc.integer({ min: 18, max: 120 }),
  housing: fc.constantFrom("own", "rent", "free"),
  job: fc.string(),
  checking: fc.string(),
  savings: fc.string(),
});
const credits: fc.Arbitrary<Credit> = fc.record({
  amount: fc.double({ min: 1, max: 1e9, noNaN: true }),
  months: fc.integer({ min: 1, max: 120 }),
  purpose: fc.string(),
});

test("a settled applicant with savings gets a small credit", () => {
  expect(decide(settled, small)).toEqual({
    result: "approved",
    score: 80,
    reasons: [
      'checking "no checking account": +20',
      'savings "... >= 1000 DM": +15',
      'housing "own": +5',
      'job "skilled employee / official": +5',
      'purpose "radio/television": +10',
      "age 45: +5",
      "months 6: +15",
      "amount 1200: +5",
    ],
  });
});

test.each(["", "holiday", "constructor", "__proto__"])(
  "a settled applicant is approved for the purpose %p too",
  (purpose) => {
    expect(decide(settled, { ...small, purpose })).toMatchObject({ result: "approved", score: 70 });
  },
);

test("an overdrawn young tenant gets no large long credit", () => {
  const applicant: Applicant = {
    ...settled,
    age: 22,
    housing: "rent",
    checking: "... < 0 DM",
    savings: "... < 100 DM",
  };

  expect(decide(applicant, { amount: 9000, months: 48, purpose: "education" })).toMatchObject({ result: "rejected" });
});

describe("over the real data", () => {
  test("each outcome gets between 10 and 70 % of the applications", async () => {
    const shares: Record<Result, number> = { approved: 0, manual_review: 0, rejected: 0 };
    const applications = await committedApplications();
    for (const { applicant, credit } of applications) {
      shares[decide(applicant, credit).result] += 1 / applications.length;
    }

    for (const share of Object.values(shares)) {
      expect(share).toBeGreaterThanOrEqual(0.1);
      expect(share).toBeLessThanOrEqual(0.7);
    }
  });

  test("the points table knows every checking account and gives each a line of its own", async () => {
    const applications = await committedApplications();
    const accounts = new Map(applications.map(({ applicant }) => [applicant.checking, applicant]));
    const lines = [...accounts.values()].map((applicant) => decide(applicant, small).reasons[0]);

    // A typing error in one key of the table would silently score that group as neutral.
    expect(lines.sort()).toEqual([
      'checking "... < 0 DM": -20',
      'checking "... >= 200 DM / salary assignments for at least 1 year": +10',
      'checking "0 <= ... < 200 DM": -10',
      'checking "no checking account": +20',
    ]);
  });
});

test("law: the score alone decides, and unknown words leave only age, housing, amount and months to count", () => {
  fc.assert(
    fc.property(applicants, credits, (applicant, credit) => {
      const { result, score, reasons } = decide(applicant, credit);
      const expected = score >= APPROVED_FROM ? "approved" : score >= REVIEWED_FROM ? "manual_review" : "rejected";
      expect(result).toBe(expected);
      expect(reasons.every((reason) => /^(age|housing|amount|months) .*: [+-]\d+$/.test(reason))).toBe(true);
    }),
  );
});

test("law: the reasons' points sum to the score", () => {
  fc.assert(
    fc.property(applicants, credits, (applicant, credit) => {
      const { score, reasons } = decide({ ...applicant, checking: settled.checking }, credit);
      const points = reasons.map((reason) => Number(reason.slice(reason.lastIndexOf(":") + 1)));
      expect(points.reduce((sum, each) => sum + each, 0)).toBe(score);
    }),
  );
});
