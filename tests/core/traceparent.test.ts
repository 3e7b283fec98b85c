import { expect, test } from "bun:test";
import { traceparentOf } from "../../engine/core/traceparent.ts";

const SOUND = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("a sound traceparent is taken, of a later version too", () => {
  expect([SOUND, `cc${SOUND.slice(2)}`].map(traceparentOf)).toEqual([SOUND, `cc${SOUND.slice(2)}`]);
});

test.each([
  undefined,
  null,
  "",
  "00",
  `ff${SOUND.slice(2)}`,
  `${SOUND}-x`,
  SOUND.toUpperCase(),
  SOUND.replace(/b7\w+/, "0".repeat(16)),
])("a traceparent of %p is none", (header) => {
  expect(traceparentOf(header)).toBeNull();
});
