import { expect, test } from "bun:test";

import { countTests } from "../count-tests.ts";
import { partsOfRun } from "../parts.ts";
import { projectFiles } from "./project-files.ts";

test("the whole run takes every test file once", async () => {
  const paths = (await partsOfRun()).flat().flatMap(([, given]) => given);
  const taken = projectFiles("tests/**/*.test.ts").map(({ path }) => {
    const times = paths.filter((given) => given === `./${path}` || `./${path}`.startsWith(`${given}/`)).length;
    return `${path}: ${times}`;
  });

  expect(taken.filter((line) => !line.endsWith(": 1"))).toEqual([]);
  expect(paths).toContain("./tests/contract/transport.test.ts");
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
