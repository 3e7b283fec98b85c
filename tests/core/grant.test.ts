import { expect, test } from "bun:test";

import { isFor, ROLES, reaches } from "../../engine/core/grant.ts";

test("a role may what it is needed for and what those before it may", () => {
  expect(ROLES.map((role) => ROLES.filter((needed) => reaches(role, needed)).length)).toEqual([1, 2, 3, 4]);
});

test("a grant for some definitions is for none of the others, nor for what belongs to none", () => {
  expect([isFor({ definitions: null }, "a"), isFor({ definitions: null }, null)]).toEqual([true, true]);
  const some = { definitions: ["a"] };
  expect([isFor(some, "a"), isFor(some, "b"), isFor(some, null)]).toEqual([true, false, false]);
});
