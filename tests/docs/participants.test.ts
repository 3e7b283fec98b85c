import { expect, test } from "bun:test";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { blocksOf } from "./markdown.ts";

const page = await Bun.file(join(root, "docs/PARTICIPANTS.md")).text();
const program = await Bun.file(join(root, "tests/support/java/Participant.java")).text();
const domain = await Bun.file(join(root, "tests/support/java/appraisal/domain.ts")).text();

/** What stands between the marks of a source file, without the indentation that all of it has. */
function regionOf(source: string): string {
  const lines = (/^ *\/\/ region participant\n(.*?)^ *\/\/ endregion$/ms.exec(source)?.[1] ?? "").split("\n");
  return lines.map((line) => line.replace(/^ {2}/, "")).join("\n");
}

function block(language: string): string {
  return blocksOf(page).find((one) => one.language === language)?.text ?? "no such block";
}

test("the skeleton is the program that the end-to-end test runs, line for line", () => {
  expect(regionOf(program).split("\n").length).toBeGreaterThan(80);
  expect(block("java")).toBe(regionOf(program));
});

test("a changed line is found", () => {
  expect(block("java")).not.toBe(regionOf(program.replace("kafka.commitSync", "kafka.commitAsync")));
});

test("the domain is declared on the page as it is in the test", () => {
  expect(domain).toContain(block("ts"));
});
