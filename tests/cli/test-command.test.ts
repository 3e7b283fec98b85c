import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { copyTree, type Tree } from "../support/tree.ts";
import { ekiden } from "./run-cli.ts";

let tree: Tree;

beforeAll(async () => {
  tree = await copyTree();
});

afterAll(() => tree.remove());

test("test runs the scenarios beside the definitions: exit code 0", async () => {
  const { code, out } = await ekiden(["test"]);

  expect(out).toMatch(/^domains\/onboarding\.test\.yaml: (\d+) of \1 as expected$/m);
  expect(out).toMatch(/^\d+ passed, 0 failed$/m);
  expect(code).toBe(0);
});

test("a scenario that comes otherwise is shown with its place, the difference and the story: exit code 1", async () => {
  await tree.write(
    "domains/onboarding.test.yaml",
    `input: onboarding.example.json
scenarios:
  - name: A bad score undoes nothing
    given:
      screen: { result: rejected }
    expect:
      steps: [apply, screen]
`,
  );
  const { code, out } = await ekiden(["test"], { EKIDEN_DOMAINS: join(tree.path, "domains") });

  expect(out).toContain(
    "onboarding.test.yaml:7:7: A bad score undoes nothing: steps: - is expected, + has come\n" +
      "      apply\n      screen\n    + undo screen\n    + undo apply\n  what happened:\n",
  );
  expect(out).toContain("    status  failed after 0s");
  expect(out).toContain("onboarding.test.yaml: 0 of 1 as expected\n0 passed, 1 failed");
  expect(code).toBe(1);
});

test("a mistake in the file is shown with line, caret and fix, and none of its scenarios runs: exit code 1", async () => {
  const source = "scenarios:\n  - name: one\n    given: { scren: failed }\n    expect: { status: parked }\n";
  await tree.write("domains/onboarding.test.yaml", source);
  const { code, out } = await ekiden(["test", join(tree.path, "domains/onboarding.test.yaml")]);

  expect(out).toContain("onboarding.test.yaml:3:14: error: the definition has no step `scren`");
  expect(out).toContain("\n               ^\n  fix: Did you mean `screen`?");
  expect(out).toContain("onboarding.test.yaml: not run\n0 passed, 0 failed, 1 file with errors");
  expect(code).toBe(1);
});

test("scenarios of a definition that is not there, or has errors, are not run: exit code 1", async () => {
  await tree.write("domains/nothing.test.yaml", "scenarios: []\n");
  const alone = await ekiden(["test", join(tree.path, "domains/nothing.test.yaml")]);
  await tree.write("domains/nothing.saga.yaml", "saga: nothing\nversion: 1\nstps: []\n");
  const broken = await ekiden(["test", join(tree.path, "domains/nothing.test.yaml")]);

  expect(alone.out).toContain("nothing.test.yaml:1:1: error: there is no ");
  expect(broken.out).toContain("nothing.saga.yaml:3:1: error: there is no key `stps` here");
  expect([alone.code, broken.code]).toEqual([1, 1]);
});

test("--json gives the results as data, --story tells what happened", async () => {
  const json = await ekiden(["test", "--json", "domains/onboarding.test.yaml"]);
  const story = await ekiden(["test", "--story", "domains/onboarding.test.yaml"]);

  expect(JSON.parse(json.out)).toMatchObject([
    { file: "domains/onboarding.test.yaml", faults: [], results: expect.any(Array) },
  ]);
  expect(story.out).toContain("status  completed after 2d");
});

test.each([
  ["nowhere.test.yaml", "there is no file nowhere.test.yaml"],
  ["domains/onboarding.saga.yaml", "is no file of scenarios: their names end in .test.yaml"],
])("wrong usage is exit code 2: %p", async (file, says) => {
  const { code, err } = await ekiden(["test", file]);

  expect(err).toContain(says);
  expect(code).toBe(2);
});
