import { expect, test } from "bun:test";

import { countTests } from "../count-tests.ts";
import { projectFiles } from "./project-files.ts";

test("the whole run takes every folder that holds tests", async () => {
  const [runAll, runStep] = projectFiles("tests/run-all.ts", "tests/run-step.ts");
  const text = `${runAll?.source}${runStep?.source}`;
  const folders = new Set(projectFiles("tests/**/*.test.ts").map(({ path }) => path.split("/")[1] ?? ""));

  expect(
    [...folders].filter((folder) => !text.includes(`"${folder}"`) && !text.includes(`./tests/${folder}"`)),
  ).toEqual([]);
});

test("tests are counted from the report: passed, failed, and skipped as failed", () => {
  const report = `<testsuites><testsuite name="a">
    <testcase name="one" file="tests/a.test.ts" time="0.1" />
    <testcase name="&lt;two&gt;" file="tests/a.test.ts"><failure type="AssertionError" /></testcase>
    <testcase name="three" file="tests/a.test.ts"><skipped /></testcase>
  </testsuite></testsuites>`;

  expect(countTests(report)).toEqual({
    passed: 1,
    failed: 2,
    failures: ["tests/a.test.ts: <two>", "tests/a.test.ts: three"],
  });
});
