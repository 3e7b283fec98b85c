import { expect, test } from "bun:test";

import { countTests } from "../count-tests.ts";
import { FailureLog } from "../failure-log.ts";
import { partsOfRun } from "../parts.ts";
import { passOn } from "../run-step.ts";
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

test("what bun wrote of a failed test is kept for the end of the run, and nothing of the others", () => {
  const log = new FailureLog();
  const lines = [
    "tests/a.test.ts:",
    "noise of one",
    "(pass) one [1ms]",
    "error: expected 1",
    "  at two",
    "(fail) two [2ms]",
  ];
  for (const line of [...lines, "noise of three", "(pass) three"]) log.add(line);

  expect(log.failures).toEqual(["error: expected 1\n  at two\n(fail) two [2ms]"]);
});

test("a step's output is passed on whole, line by line, also a last line without an end", async () => {
  const passed: string[] = [];
  const told: string[] = [];
  async function* chunks() {
    for (const text of ["one\ntw", "o\n\n", "unended"]) yield new TextEncoder().encode(text);
  }

  await passOn(chunks(), { write: (text) => passed.push(text) }, (line) => told.push(line));

  expect(passed).toEqual(["one\n", "two\n", "\n", "unended\n"]);
  expect(told).toEqual(["one", "two", "", "unended"]);
});
