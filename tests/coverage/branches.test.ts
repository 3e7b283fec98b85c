import { expect, test } from "bun:test";

import { type Coverage, coverageFaults, coverageOf, percentOf } from "./branches.ts";
import { instrumented, VARIABLE } from "./counters.ts";

const PATH = "/engine/core/sign.ts";
const SOURCE = `
export function sign(value: number, zero?: string): string {
  if (value < 0) return "-";
  return value > 0 ? "+" : (zero ?? "0");
}
`;

/** Runs the source with its counters for some values. */
function taken(...values: readonly number[]): Coverage {
  Reflect.deleteProperty(globalThis, VARIABLE);
  const code = new Bun.Transpiler({ loader: "ts" }).transformSync(instrumented(PATH, SOURCE).code);
  const sign: (value: number) => string = new Function(`${code.replace("export ", "")}; return sign;`)();
  for (const value of values) sign(value);
  return coverageOf(Reflect.get(globalThis, VARIABLE), { [PATH]: SOURCE });
}

test("a branch that was not taken is named by its file, its line and its side", () => {
  expect(taken(-1, 1)).toEqual({
    taken: 3,
    all: 6,
    missing: [
      'sign.ts: return value > 0 ? "+" : (zero ?? "0"); (else)',
      'sign.ts: return value > 0 ? "+" : (zero ?? "0"); (binary-expr 1)',
      'sign.ts: return value > 0 ? "+" : (zero ?? "0"); (binary-expr 2)',
    ],
  });
  expect(percentOf(taken(-1, 0, 1))).toBe(100);
});

test("a file that was never loaded has none of its branches taken", () => {
  const { counters } = instrumented(PATH, SOURCE);

  expect(coverageOf({ [PATH]: counters }, { [PATH]: SOURCE })).toMatchObject({ taken: 0, all: 6 });
});

const coverage = { taken: 99, all: 100, missing: ["a.ts: if (b) c(); (taken)"] };
const reason = { branch: "a.ts: if (b) c(); (taken)", why: "nothing can" };

test("a branch that nobody has explained is a fault, and so is a reason that has become untrue", () => {
  expect(coverageFaults(coverage, [reason], 98)).toEqual([]);
  expect(coverageFaults(coverage, [], 98)).toEqual(["no test takes a.ts: if (b) c(); (taken)"]);
  expect(coverageFaults({ ...coverage, missing: [] }, [reason], 98)).toEqual([
    "is taken, or gone, and needs no reason: a.ts: if (b) c(); (taken)",
  ]);
});

test("one reason explains one branch: a second line that reads alike needs its own", () => {
  const twice = { ...coverage, missing: [...coverage.missing, ...coverage.missing] };

  expect(coverageFaults(twice, [reason], 98)).toHaveLength(1);
});

test("reasons do not buy a share: it must be above the least whatever is explained", () => {
  expect(coverageFaults({ ...coverage, taken: 98 }, [reason], 98)).toEqual([
    "98.00 % of the branches are taken, more than 98 % are required",
  ]);
});
