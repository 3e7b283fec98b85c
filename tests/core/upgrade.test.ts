import { expect, test } from "bun:test";
import { newborn } from "../../engine/core/decide.ts";
import type { SagaState } from "../../engine/core/state.ts";
import { upgraded } from "../../engine/core/upgrade.ts";

const earlier = (more: object): SagaState => ({ ...newborn(), ...more });

test("a state of today is given back as it is", () => {
  const state = newborn();
  expect(upgraded(state)).toBe(state);
});

test("a compensation in progress of an earlier state stands on its entry; without an entry there is none", () => {
  const backward = { phase: "sent", attempt: 2, used: 1 };
  const stack = [
    { path: "a", input: {} },
    { path: "b", input: {} },
  ];

  expect(upgraded(earlier({ backward, stack })).stack).toEqual([
    { path: "a", input: {} },
    { path: "b", input: {}, undo: { kind: "command", phase: "sent", attempt: 2, used: 1 } },
  ]);
  expect(upgraded(earlier({ backward }))).toEqual(newborn());
});

test("a cancel that an earlier state has recorded closes what is in progress", () => {
  expect(upgraded(earlier({ cancel: { reason: "asked" } })).closing).toEqual({
    code: "cancelled",
    message: "asked",
    step: "",
    kind: "cancelled",
  });
});
