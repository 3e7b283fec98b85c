import { expect, test } from "bun:test";
import { isInside, pathIn, stepAt, stepKey } from "../../engine/core/path.ts";
import { define } from "./explorer/model.ts";

test("a step key holds the saga and the path, and gives the path back to its own saga alone", () => {
  const key = stepKey("S", "ship[3]/pack");
  expect([key, pathIn("S", key), pathIn("T", key)]).toEqual(["S/ship[3]/pack", "ship[3]/pack", null]);
});

test("a path inside a block is one below it or in one of its items, not one that begins alike", () => {
  const inside = (path: string) => isInside(path, "ship");
  expect(["ship/pack", "ship[0]/pack", "ship", "shipping"].map(inside)).toEqual([true, true, false, false]);
});

test("there is no step at a path that the definition does not have", () => {
  const definition = define("saga: s\nversion: 1\nsteps: [{ step: a, command: d.a, with: {} }]");
  expect([stepAt(definition, "a")?.kind, stepAt(definition, "a/catch/any/b")]).toEqual(["command", undefined]);
});
