import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import { load, onboardingSource } from "./definition-source.ts";

const HEAD = "saga: sample\nversion: 1\n";
const codes = (source: string): readonly string[] => [...new Set(load(source).diagnostics.map((each) => each.code))];

test("a file above 256 KiB is refused before it is parsed", () => {
  expect(codes(`${HEAD}steps: []\n${"#".repeat(256 * 1024)}\n`)).toEqual(["definition.too-large"]);
});

test("a saga of more than 2000 steps is refused", () => {
  const steps = Array.from({ length: 2001 }, (_, index) => `  - step: s${index}\n    wait: paid\n`).join("");

  expect(codes(`${HEAD}steps:\n${steps}`)).toEqual(["definition.too-large"]);
});

test("a saga of 500 steps loads", () => {
  const step = (index: number) =>
    `  - step: s${index}\n    command: payment.transfer\n    with:\n      amount: 1\n` +
    `      note: \${ steps.s${index - 1}.reference }\n    compensate: payment.refund\n`;
  const first = "  - step: s0\n    wait: paid\n    returns: { reference: string, amount: number }\n";
  const source = `${HEAD}steps:\n${first}${Array.from({ length: 499 }, (_, index) => step(index + 1)).join("")}`;

  // The refund takes an amount only; the step's own input has a note as well.
  expect(codes(source)).toEqual(["definition.input-extra"]);
  expect(
    codes(
      source.replaceAll(
        "    compensate: payment.refund\n",
        "    compensate: { command: payment.refund, with: { amount: 1 } }\n",
      ),
    ),
  ).toEqual([]);
});

test("brackets without end are an error, not a crash", () => {
  expect(codes(`${HEAD}steps: ${"[".repeat(100_000)}`)).toEqual(["definition.yaml-syntax"]);
  expect(codes(`${HEAD}steps: ${"[".repeat(300)}${"]".repeat(300)}`)).toEqual(["definition.yaml-syntax"]);
}, 60_000);

test("thousands of keys and thousands of mistakes are refused, at most 200 of them shown", () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1\n`).join("");
  const { definition, diagnostics } = load(`${HEAD}steps: []\n${keys}`);

  expect({ definition, shown: diagnostics.length }).toEqual({ definition: null, shown: 200 });
}, 60_000);

test("deep and long expressions are refused or read, never a crash", () => {
  const condition = (source: string) => codes(`${HEAD}steps:\n  - if: "${source}"\n    fail: odd\n`);

  expect(condition(`${"-".repeat(900)}1 > 0`)).toEqual([]);
  expect(condition(`${"(".repeat(500)}true${")".repeat(500)}`)).toEqual(["definition.expression-syntax"]);
  expect(condition(Array.from({ length: 600 }, () => "1").join("+"))).toEqual(["definition.expression-syntax"]);
  expect(condition("x".repeat(5000))).toEqual(["definition.expression-syntax"]);
});

test("a text that no message can carry is refused where it stands, also when an escape hides it", () => {
  const note = (value: string) =>
    load(`${HEAD}steps:\n  - command: payment.transfer\n    with:\n      note: ${value}\n`);
  const found = (value: string) => note(value).diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);

  expect(found(String.raw`"a\0"`)).toEqual(["definition.yaml-syntax 6:13"]);
  expect(found(String.raw`"\ud83d"`)).toEqual(["definition.yaml-syntax 6:13"]);
  expect(found("a # \u0000")).toEqual(["definition.yaml-syntax 6:17"]);
  expect(found("${ '\\x00' }")).toContain("definition.expression-syntax 6:16");
  expect(found(String.raw`"\ud83d\ude00"`).filter((each) => each.startsWith("definition.yaml"))).toEqual([]);
});

test("line ends of other systems move nothing", async () => {
  const folder = `${import.meta.dir}/fixtures`;
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  const sources = await Promise.all(files.map((file) => Bun.file(`${folder}/${file}`).text()));

  for (const source of sources) {
    const { diagnostics } = load(source.replaceAll("\n", "\r\n"));
    expect(diagnostics).toEqual(load(source).diagnostics);
  }
});

test("the caret stands under the right character behind Japanese text", () => {
  const source = `${HEAD}key: 申込 ${"${ input.no }"}\nsteps: []\n`;
  const [first] = load(source).diagnostics;

  expect(first && renderDiagnostic("f.yaml", source, first).split("\n").slice(1, 3)).toEqual([
    "  key: 申込 ${ input.no }",
    "       \u3000\u3000          ^",
  ]);
});

test("no source makes the loader throw, and a place always lies in the file", async () => {
  const folder = `${import.meta.dir}/../../examples`;
  const others = ["order/order", "settlement/settlement", "subscription/renewal"];
  const read = (name: string) => Bun.file(`${folder}/${name}.saga.yaml`).text();
  const examples = [await onboardingSource(), ...(await Promise.all(others.map(read)))];
  const edit = fc.record({
    at: fc.nat(Math.max(...examples.map((example) => example.length))),
    cut: fc.nat(12),
    put: fc.constantFrom(
      "",
      "${",
      "}",
      ":",
      "- ",
      "'",
      '"',
      "!",
      "&a",
      "*a",
      "\n",
      "  ",
      "{",
      "[",
      "#",
      "|\n",
      "\t",
      "é",
    ),
  });

  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.array(edit, { minLength: 1, maxLength: 3 }), (example, edits) => {
      const source = edits.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), example);
      const lines = source.split("\n");
      const { definition, diagnostics } = load(source);

      expect(definition === null).toBe(diagnostics.some((each) => each.severity === "error"));
      for (const { line, column } of diagnostics) {
        expect(line).toBeWithin(1, lines.length + 1);
        expect(column).toBeWithin(1, (lines[line - 1] ?? "").length + 2);
      }
    }),
    { numRuns: 400 },
  );
});
