import { expect, test } from "bun:test";
import { isUsable, write } from "../../domains/notification/decide.ts";

test.each(["yui.tanaka@example.jp", "y+credit@mail.example.co.jp"])("%p is usable", (address) => {
  expect(isUsable(address)).toBe(true);
});

const unusable = [
  "",
  "nobody",
  "a@b",
  "@example.jp",
  "a b@example.jp",
  "a@example.jp, b@example.jp",
  "a@example.jp\r\nBcc: b@example.jp",
];
test.each([...unusable, `${"a".repeat(255)}@example.jp`])("%j is not", (address) => {
  expect(isUsable(address)).toBe(false);
});

test("the welcome letter names the contract", () => {
  expect(write("welcome", "01J0000000000000000000000C")).toEqual({
    subject: "Welcome",
    text: "Your credit is granted. Your contract: 01J0000000000000000000000C.",
  });
});
