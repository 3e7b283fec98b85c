import { expect, test } from "bun:test";
import { Refusal } from "../../engine/core/refusal.ts";

test("a refusal says what to do next, which places were refused, and which saga is in the way", () => {
  const problems = [{ path: "/no", message: "is missing" }];
  const bare = new Refusal("saga.unknown", "no such saga", "Look it up.");
  const full = new Refusal("saga.input-invalid", "bad", "Mend it.", { problems });
  const open = new Refusal("saga.key-open", "open", "Wait.", { sagaId: "S" });

  expect([bare, full, open].map(({ code, hint, problems: found, sagaId }) => [code, hint, found, sagaId])).toEqual([
    ["saga.unknown", "Look it up.", [], undefined],
    ["saga.input-invalid", "Mend it.", problems, undefined],
    ["saga.key-open", "Wait.", [], "S"],
  ]);
});
