import { expect, test } from "bun:test";
import type { Json } from "../../engine/core/json.ts";
import { SagaRun } from "./saga-run.ts";

const YAML = `
input: { note: string }
defaults: { retry: { attempts: 2, backoff: 1s, factor: 1, jitter: 0 } }
steps:
  - { step: first, command: lab.one, with: { note: first }, compensate: lab.undo }
  - { step: second, command: lab.two, with: { note: second }, compensate: { command: lab.undo, with: { note: other } } }
`;

function run(): SagaRun {
  return new SagaRun(YAML, { note: "x" }).start();
}

function edited(saga: SagaRun, path: string, input: Json, compensation = false) {
  return saga.apply({ type: "edit.requested", path, compensation, input, supersedes: "M" });
}

test("an edited command is the next attempt, with its attempts counted anew", () => {
  const saga = run();
  saga.fail("first");
  saga.fire("retry:first");
  saga.fail("first", 2);
  expect(saga.state.status).toBe("parked");
  saga.sent();

  edited(saga, "first", { note: "mended" });
  expect(saga.sent()).toEqual(["first #3"]);
  expect(saga.messages.at(-1)).toMatchObject({
    headers: { supersedes: "M" },
    body: { input: { note: "mended" } },
  });
  expect(saga.state.status).toBe("running");
  saga.fail("first", 3);
  saga.fire("retry:first");
  expect(saga.messages.at(-1)).toMatchObject({ attempt: 4, body: { input: { note: "mended" } } });
  expect(saga.messages.at(-1)?.headers).not.toHaveProperty("supersedes");
  saga.succeed("first", {}, 4);
  expect(saga.sent().at(-1)).toBe("second #1");
});

test("a command that waits for its answer or its next attempt can be edited, and its timer is gone", () => {
  const saga = run();
  edited(saga, "first", { note: "a" });
  saga.fail("first", 2);
  expect(saga.state.timers).toHaveProperty("retry:first");
  edited(saga, "first", { note: "b" });
  expect(saga.state.timers).not.toHaveProperty("retry:first");
  expect(saga.sent()).toEqual(["first #1", "first #2", "first #3"]);
});

test("whoever undoes the step gets the edited input", () => {
  const saga = run();
  edited(saga, "first", { note: "mended" });
  saga.succeed("first", {}, 2);
  saga.reject("second");
  expect(saga.messages.at(-1)).toMatchObject({
    type: "compensation.requested",
    body: { input: { note: "mended" }, compensates: { input: { note: "mended" } } },
  });
});

test("an edited compensation is its next attempt, and keeps the input in later ones", () => {
  const saga = run();
  saga.succeed("first");
  saga.reject("second");
  saga.compensationFails("first");
  saga.sent();
  edited(saga, "first", { note: "edited" }, true);
  expect(saga.sent()).toEqual(["undo first #2"]);
  expect(saga.messages.at(-1)).toMatchObject({
    headers: { supersedes: "M" },
    body: { input: { note: "edited" }, compensates: { input: { note: "first" } } },
  });
  saga.compensationFails("first", 2);
  saga.fire("retry:first");
  expect(saga.messages.at(-1)).toMatchObject({ attempt: 3, body: { input: { note: "edited" } } });
});

test("what is settled, given up or not sent is not edited", () => {
  const saga = run();
  expect(edited(saga, "second", {})).toBe("not-editable");
  expect(edited(saga, "first", {}, true)).toBe("not-editable");
  saga.succeed("first");
  expect(edited(saga, "first", {})).toBe("not-editable");
  saga.guards["second"] = { state: "running" };
  saga.cancel();
  expect(edited(saga, "second", {})).toBe("not-editable");
});

test("an optional compensation that is being given up is not edited", () => {
  const saga = new SagaRun(
    `
steps:
  - { step: first, command: lab.one, with: {}, compensate: { command: lab.undo, optional: true, retry: { attempts: 1 } } }
  - { step: second, command: lab.two, with: {}, compensate: lab.undo }
`,
  ).start();
  saga.succeed("first");
  saga.reject("second");
  saga.guards["first"] = { state: "running" };
  saga.compensationFails("first");
  expect(edited(saga, "first", {}, true)).toBe("not-editable");
});

test("a result that waits for a person is not edited away", () => {
  const saga = new SagaRun(`
steps:
  - { step: first, command: lab.one, with: {}, output: { n: "\${ result.missing }" }, compensate: lab.undo }
`).start();
  saga.succeed("first", {});
  expect(saga.state.status).toBe("parked");
  expect(edited(saga, "first", {})).toBe("not-editable");
});

test("a branch that is being closed sends nothing edited", () => {
  const saga = new SagaRun(`
steps:
  - step: both
    parallel:
      left: [{ step: a, command: lab.one, with: {}, compensate: lab.undo }]
      right: [{ step: b, command: lab.two, with: {}, compensate: lab.undo }]
`).start();
  saga.guards["both/right/b"] = { state: "running" };
  saga.reject("both/left/a");
  expect(edited(saga, "both/right/b", {})).toBe("not-editable");
});

test("a step behind the pivot, which nobody undoes, has an edited command as well", () => {
  const saga = new SagaRun(
    `
steps:
  - { step: pivot, command: lab.one, with: {}, pivot: true }
  - { step: last, command: lab.two, with: { note: first } }
`,
  ).start();
  saga.succeed("pivot");
  edited(saga, "last", { note: "mended" });
  expect(saga.messages.at(-1)).toMatchObject({ attempt: 2, body: { input: { note: "mended" } } });
  saga.succeed("last", {}, 2);
  expect(saga.state.status).toBe("completed");
});
