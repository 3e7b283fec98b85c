import { expect, test } from "bun:test";
import { fuzzDefinitions } from "./definitions.ts";

test("a file by the language's grammar, whole or changed, is read without a crash, and what is accepted can be simulated", () => {
  const { accepted, refused } = fuzzDefinitions(1, 250);

  // Too few of one kind, and the rest would prove little.
  expect(accepted).toBeGreaterThan(25);
  expect(refused).toBeGreaterThan(25);
}, 180_000);
