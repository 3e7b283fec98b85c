import { expect, test } from "bun:test";

import { withKept } from "../../engine/console/src/data/kept.ts";

test("of a later answer the parts that have not changed are the same objects as before", () => {
  const before = {
    items: [
      { id: 1, made: [{ by: "a" }] },
      { id: 2, made: [] },
    ],
    next: null,
  };
  const after = {
    items: [
      { id: 1, made: [{ by: "b" }] },
      { id: 2, made: [] },
      { id: 3, made: [] },
    ],
    next: null,
  };
  const kept = withKept(before, structuredClone(after));
  expect(kept).toEqual(after);
  expect(kept.items[1]).toBe(before.items[1] as never);
  expect(kept.items[0]).not.toBe(before.items[0] as never);
  expect(withKept(before, structuredClone(before))).toBe(before);
});

test("a part that is gone, has another type or another name is not kept", () => {
  const cases: readonly (readonly [before: unknown, after: unknown])[] = [
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: 1 }, { b: 1 }],
    [[1, 2], [1]],
    [[], {}],
    [null, {}],
    [{ a: [] }, { a: null }],
    [undefined, [1]],
    // Whatever an author names a field.
    [{}, JSON.parse('{"__proto__":{}}')],
  ];
  for (const [before, after] of cases) expect(withKept(before, after)).toStrictEqual(after);
});
