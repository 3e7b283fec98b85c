import { expect, test } from "bun:test";
import type { Step } from "../../engine/core/definition.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { catalog, definitionFrom, load, onboardingSource, saga } from "./definition-source.ts";

test("the design's example loads without a word", async () => {
  const source = await onboardingSource();
  const { definition, diagnostics } = load(source);

  expect(diagnostics).toEqual([]);
  expect(definition?.revision).toBe(new Bun.CryptoHasher("sha256").update(source).digest("hex"));
  expect(definition?.steps.map((step) => step.id)).toEqual(["apply", "screen", "choose2", "contract", "parallel4"]);
  expect(definition?.sensitive).toEqual(["input.applicant.name", "input.applicant.email"]);
});

test("a command step carries its own settings, the file's defaults, or the engine's", () => {
  const [step] = definitionFrom(
    "saga: sample\nversion: 3\ndefaults: { timeout: 10s, retry: { backoff: 2s, max: PT1M } }\nsteps:\n" +
      "  - step: pay\n    command: payment.transfer\n    with: { amount: 1 }\n    deadline: 1h\n" +
      "    retry: { attempts: forever, never: broken }\n" +
      "    compensate: { command: payment.refund, timeout: 300ms, optional: true }\n",
  ).steps;

  const backoff = { backoffMs: 2000, factor: 2, maxMs: 60_000, jitter: 0, also: [], then: "park" as const };
  expect(step).toEqual({
    kind: "command",
    id: "pay",
    name: "pay",
    at: { line: 5, column: 5 },
    command: "payment.transfer",
    with: { kind: "object", entries: { amount: { kind: "literal", value: 1 } } },
    timeoutMs: 10_000,
    deadlineMs: 3_600_000,
    retry: { ...backoff, attempts: "forever", never: ["broken"] },
    catch: [],
    compensate: {
      kind: "command",
      command: "payment.refund",
      timeoutMs: 300,
      retry: { ...backoff, attempts: 10, never: [] },
      optional: true,
    },
    pivot: false,
  } satisfies Step);
});

test("both forms of choose, if with fail, and unnamed steps get their paths", () => {
  const definition = definitionFrom(
    saga(
      "{ kind: [new, old], amount: number }",
      [
        "  - choose: input.kind",
        "    cases:",
        "      new: []",
        "      old:",
        '        - fail: { code: too_old, message: "only ${ input.kind }" }',
        "  - choose:",
        "      - when: input.amount > 10",
        "        then: [{ wait: approved }]",
        "      - else: []",
        "  - if: input.amount > 100",
        "    fail: too_much",
      ].join("\n"),
    ),
  );

  const at = (line: number, column: number) => ({ line, column });
  expect(definition.steps).toEqual([
    {
      kind: "choose",
      id: "choose0",
      at: at(5, 5),
      subject: { source: "input.kind", at: at(5, 13) },
      branches: [
        { id: "new", equals: "new", steps: [] },
        {
          id: "old",
          equals: "old",
          steps: [
            {
              kind: "fail",
              id: "fail0",
              at: at(9, 11),
              code: "too_old",
              message: { kind: "text", parts: ["only ", { source: "input.kind", at: at(9, 52) }] },
            },
          ],
        },
      ],
    },
    {
      kind: "choose",
      id: "choose1",
      at: at(10, 5),
      branches: [
        {
          id: "when0",
          when: { source: "input.amount > 10", at: at(11, 15) },
          steps: [{ kind: "wait", id: "wait0", at: at(12, 16), signal: "approved", catch: [] }],
        },
      ],
      else: [],
    },
    { kind: "fail", id: "fail2", at: at(14, 5), if: { source: "input.amount > 100", at: at(14, 9) }, code: "too_much" },
  ]);
});

test("without checks a revision compiles although its command has gone", () => {
  const source = saga("{}", '  - step: gone\n    command: nobody.knows\n    with: { a: "${ nothing.here }" }');

  expect(load(source).definition).toBeNull();
  expect(loadDefinition(source, { catalog, checks: false })).toMatchObject({
    definition: { name: "sample" },
    diagnostics: [],
  });
});

test("without a catalog everything but the handlers is checked", () => {
  const source = saga("{}", "  - step: gone\n    command: nobody.knows\n    pivot: true\n    with: { a: 1 }");

  expect(loadDefinition(source, { catalog: null }).diagnostics).toEqual([]);
});

test("a warning does not keep a definition from loading", () => {
  const source = saga("{}", "  - command: payment.transfer\n    with: { amount: 1 }\n  - wait: done");
  const { definition, diagnostics } = load(source);

  expect(definition?.name).toBe("sample");
  expect(diagnostics.map(({ severity, code }) => ({ severity, code }))).toEqual([
    { severity: "warning", code: "definition.no-compensate" },
  ]);
});

test("steps of a branch are certain afterwards when every other branch fails", () => {
  const steps = (other: string) =>
    [
      "  - choose: input.kind",
      "    cases:",
      "      new:",
      "        - step: review",
      "          wait: reviewed",
      "          returns: { decision: [approve, reject] }",
      `      old: ${other}`,
      "output: ${ steps.review.decision }",
    ].join("\n");

  expect(load(saga("{ kind: [new, old] }", steps("[{ fail: too_old }]"))).diagnostics).toEqual([]);
  expect(load(saga("{ kind: [new, old] }", steps("[]"))).diagnostics.map((each) => each.code)).toEqual([
    "definition.step-may-not-have-run",
  ]);
});
