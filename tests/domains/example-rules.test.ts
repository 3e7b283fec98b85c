import { expect, test } from "bun:test";
import { monthBefore } from "../../examples/settlement/sales/decide.ts";
import { yearAfter } from "../../examples/subscription/subscription/decide.ts";

test("the month that is settled is the one before, by the days of Tokyo", () => {
  const december = {
    name: "2026-12",
    from: new Date("2026-11-30T15:00:00Z"),
    before: new Date("2026-12-31T15:00:00Z"),
  };

  expect(monthBefore("2026-12-31T18:00:00.000Z")).toEqual(december);
  expect(monthBefore("2027-01-01T03:00:00+09:00")).toEqual(december);
  expect(monthBefore("2026-12-31T14:59:59Z")?.name).toBe("2026-11");
  expect(monthBefore("soon")).toBeUndefined();
});

test("a year is added to what is paid, or to today for who comes back late", () => {
  const now = new Date("2027-02-01T10:00:00Z");

  expect(yearAfter(new Date("2027-03-31T00:00:00Z"), now)).toEqual(new Date("2028-03-31T00:00:00Z"));
  expect(yearAfter(new Date("2026-03-31T00:00:00Z"), now)).toEqual(new Date("2028-02-01T00:00:00Z"));
  expect(yearAfter(undefined, now)).toEqual(new Date("2028-02-01T00:00:00Z"));
  expect(yearAfter(new Date("2028-02-29T00:00:00Z"), now)).toEqual(new Date("2029-03-01T00:00:00Z"));
});
