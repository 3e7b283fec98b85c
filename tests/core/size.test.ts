import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Json } from "../../engine/core/json.ts";
import { storedBytes } from "../../engine/core/size.ts";

/** As PostgreSQL writes `jsonb`. */
function written(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${written(entry)}`);
  return `{${entries.join(", ")}}`;
}

test("the size of a value is never less than what PostgreSQL writes for it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(storedBytes(value as Json)).toBeGreaterThanOrEqual(Buffer.byteLength(written(value as Json)));
    }),
    { numRuns: 200, seed: 5 },
  );
});

test("numbers that PostgreSQL writes with all their digits are counted so; what is absent takes nothing", () => {
  expect([1e21, -1e300, 1e-7].map((number) => storedBytes(number))).toEqual([350, 350, 350]);
  expect([0, 12.5, true, null, undefined].map((value) => storedBytes(value))).toEqual([1, 4, 5, 5, 0]);
});
