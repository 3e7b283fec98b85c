import { expect, test } from "bun:test";

import { problemText } from "../../engine/cli/client.ts";

const text = (problem: object) => problemText(400, { title: "Refused", status: 400, ...problem });

test("what the sentence tells already is not told again", () => {
  const wait = { parameter: "wait", detail: "is no duration: write 10s" };
  expect(text({ detail: "wait is no duration: write 10s", errors: [wait] })).toBe("wait is no duration: write 10s");
  expect(
    text({
      detail: "/reason: is missing; the body: is no object",
      errors: [
        { pointer: "/reason", detail: "is missing" },
        { pointer: "", detail: "is no object" },
      ],
    }),
  ).toBe("/reason: is missing; the body: is no object");
  expect(text({ detail: "key must be text", errors: [{ pointer: "", detail: "key must be text" }] })).toBe(
    "key must be text",
  );
});

test("places that the sentence does not name are listed below it", () => {
  const errors = [{ pointer: "/no", detail: "is missing" }];
  expect(text({ detail: "the input does not fit loan", errors, hint: "Mend it." })).toBe(
    "the input does not fit loan\n  /no is missing\nfix: Mend it.",
  );
});
