import { expect, test } from "bun:test";
import fc from "fast-check";
import { planInstalments } from "../../domains/contract/decide.ts";

const months = fc.integer({ min: 1, max: 120 });

test("an amount that divides evenly is paid in equal instalments", () => {
  expect(planInstalments(1200, 3)).toEqual({
    type: "plan",
    regular: 400,
    last: 400,
    instalments: [
      { number: 1, amount: 400 },
      { number: 2, amount: 400 },
      { number: 3, amount: 400 },
    ],
  });
});

test("the remainder, cents included, is paid last", () => {
  expect(planInstalments(100.1, 3)).toEqual({
    type: "plan",
    regular: 33,
    last: 34.1,
    instalments: [
      { number: 1, amount: 33 },
      { number: 2, amount: 33 },
      { number: 3, amount: 34.1 },
    ],
  });
});

test("a credit of one month is paid at once", () => {
  expect(planInstalments(999.99, 1)).toMatchObject({ instalments: [{ number: 1, amount: 999.99 }] });
});

test.each([100.001, 1.005, Number.MAX_SAFE_INTEGER, 1e300])("%p cannot be paid in cents and is refused", (amount) => {
  expect(planInstalments(amount, 12)).toMatchObject({ type: "refused", code: "amount_not_payable" });
});

test("a plan with an instalment of nothing is refused", () => {
  expect(planInstalments(11, 12)).toMatchObject({ type: "refused", code: "instalment_too_small" });
});

test("law: the instalments sum to the amount exactly, one for each month, numbered from 1", () => {
  const cents = fc.integer({ min: 12_000, max: 1_000_000_000 });
  fc.assert(
    fc.property(cents, months, (amountCents, count) => {
      const plan = planInstalments(amountCents / 100, count);
      if (plan.type !== "plan") throw new Error(plan.message);
      const sum = plan.instalments.reduce((total, each) => total + Math.round(each.amount * 100), 0);
      expect(sum).toBe(amountCents);
      expect(plan.instalments.map((each) => each.number)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    }),
  );
});

test("law: all but the last are equal whole units, and the last is the largest by less than a unit a month", () => {
  const amounts = fc.integer({ min: 120, max: 10_000_000 });
  fc.assert(
    fc.property(amounts, months, (amount, count) => {
      const plan = planInstalments(amount, count);
      if (plan.type !== "plan") throw new Error(plan.message);
      expect(Number.isInteger(plan.regular)).toBe(true);
      expect(plan.instalments.slice(0, -1).every((each) => each.amount === plan.regular)).toBe(true);
      expect(plan.last - plan.regular).toBeGreaterThanOrEqual(0);
      expect(plan.last - plan.regular).toBeLessThan(count);
    }),
  );
});
