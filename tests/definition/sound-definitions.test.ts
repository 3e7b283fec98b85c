import { expect, test } from "bun:test";
import { loadDefinition } from "../../engine/definition/load.ts";
import { catalog, load, saga } from "./definition-source.ts";

/** The findings of a saga with these steps, as `code line`. */
function findings(steps: string, input = "{ amount: number, lines: list<string>, due: date }"): readonly string[] {
  return load(saga(input, steps)).diagnostics.map(({ code, line, message }) => `${code} ${line}: ${message}`);
}

const pay = (name: string, more = "compensate: payment.refund") =>
  `{ step: ${name}, command: payment.transfer, with: { amount: 1 }, ${more} }`;
const read = (expression: string) => `  - if: ${expression}\n    fail: odd`;

test("what every branch did can be read when all have ended", () => {
  expect(
    findings(
      [
        "  - parallel:",
        `      left: [${pay("left")}, { set: { kind: left } }]`,
        `      right: [${pay("right")}]`,
        read("steps.left.reference == steps.right.reference || vars.kind == 'left'"),
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("a branch that cannot end well is no winner: what the others did is certain", () => {
  expect(
    findings(
      [
        "  - parallel:",
        `      left: [${pay("left")}]`,
        "      right: [{ sleep: 1d }, { fail: too_slow }]",
        "    join: any",
        read("steps.left.reference == 'r'"),
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("who won a race is asked with has", () => {
  expect(
    findings(
      [
        "  - parallel:",
        `      left: [${pay("left")}]`,
        `      right: [${pay("right")}]`,
        "    join: any",
        "  - set: { winner: \"${ has(steps.left) ? steps.left.reference : has(steps.right) ? steps.right.reference : '' }\" }",
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("after a pivot a race may be between things that need not be undone", () => {
  expect(
    findings(
      [
        `  - ${pay("first", "pivot: true")}`,
        "  - parallel:",
        "      signal: [{ wait: paid, catch: { any: [] } }, { set: { how: signal } }]",
        "      time: [{ sleep: 1d }, { set: { when: late } }]",
        "    join: any",
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("the outputs of an each are a list; an item whose last step did not run is null", () => {
  const each = (last: string) =>
    [
      "  - step: payments",
      "    each:",
      "      in: input.lines",
      "      as: line",
      "      steps:",
      `        - ${last}`,
      read("steps.payments.all(each, each.reference != '')"),
    ].join("\n");

  expect(findings(each(pay("paid")))).toEqual([]);
  expect(findings(each(pay("paid", "if: line != '', compensate: payment.refund")))).toEqual([]);
  expect(findings(each("wait: paid\n          returns: { reference: string }"))).toEqual([]);
  expect(findings(each("sleep: 1d"))).toEqual(["definition.unknown-field 11: null has no field `reference`"]);
});

test("inside an each the item, its steps and what ran before are read, in compensations and outputs too", () => {
  expect(
    findings(
      [
        `  - ${pay("first")}`,
        "  - each:",
        "      in: input.lines",
        "      as: line",
        "      steps:",
        "        - step: second",
        "          command: payment.transfer",
        "          with: { amount: 1, note: '${ line + steps.first.reference }' }",
        "          output: { reference: '${ result.reference }', line: '${ line }' }",
        "          compensate:",
        "            - command: payment.transfer",
        "              with: { amount: 2, note: '${ line }' }",
        "        - set: { note: '${ line }' }",
        "        - if: vars.note == ''",
        "          fail: empty",
        "        - step: third",
        "          command: payment.transfer",
        "          with: { amount: 1, note: '${ steps.second.line }' }",
        "          compensate: { command: payment.refund, with: { amount: '${ size(line) }' } }",
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("a list of compensations reads what ran before the step, and its own steps and values", () => {
  expect(
    findings(
      [
        `  - ${pay("first")}`,
        "  - step: second",
        "    command: payment.transfer",
        "    with: { amount: 1 }",
        "    compensate:",
        "      - set: { why: '${ steps.first.reference }' }",
        "      - { step: back, command: payment.transfer, with: { amount: 1, note: '${ vars.why }' } }",
        "      - if: steps.back.reference != ''",
        "        notify: notification.mail",
        "        with: { to: a, template: sorry, contractId: '${ vars.why }' }",
        "  - fail: never",
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("a list of compensations reads its own step's output once it has asked whether it is known", () => {
  const list = (note: string) =>
    [
      `  - step: first`,
      "    command: payment.transfer",
      "    with: { amount: 1 }",
      "    compensate:",
      `      - { step: back, command: payment.transfer, with: { amount: 1, note: "${note}" } }`,
      "  - fail: never",
    ].join("\n");

  expect(findings(list("${ has(steps.first) ? steps.first.reference : saga.id }"))).toEqual([]);
  expect(findings(list("${ steps.first.reference }")).join()).toContain("compensate-reads-own-output");
});

test("a child gives what its definition says; a child with a pivot is undone by the parent's step", () => {
  const child = ["  - step: moved", "    saga: bank_transfer", "    with: { amount: '${ input.amount }' }"].join("\n");
  const shipped = "  - { step: shipped, saga: shipment, compensate: { command: payment.refund, with: { amount: 1 } } }";

  expect(findings(`${child}\n${shipped}\n${read("steps.moved.reference == 'r'")}`)).toEqual([]);
});

test("after the pivot a child with one needs no compensation", () => {
  expect(findings(`  - ${pay("first", "pivot: true")}\n  - saga: shipment`)).toEqual([]);
});

test("without the other definitions children are not checked", () => {
  const source = saga(
    "{}",
    "  - step: any\n    saga: whatever\n    with: { x: 1 }\n  - if: steps.any.y == 1\n    fail: odd",
  );

  expect(loadDefinition(source, { catalog }).diagnostics).toEqual([]);
});

test("an end may take the place of a pivot, and what stands before it is the last step", () => {
  expect(
    findings(
      [
        "  - choose: input.amount > 10.0",
        "    cases:",
        "      true:",
        `        - ${pay("only", "description: the last")}`,
        "        - end: { outcome: paid_at_once, output: { reference: '${ steps.only.reference }' } }",
        "      false: []",
        "  - step: second",
        "    command: payment.transfer",
        "    with: { amount: 1 }",
        "    pivot: true",
        "    catch: { rejected: [{ end: not_paid }] }",
      ].join("\n"),
    ),
  ).toEqual([]);
});

test("a value written on every path is read with each of its types", () => {
  const source = saga(
    "{ count: integer }",
    "  - choose: input.count > 1\n    cases:\n      true: [{ set: { size: many } }]\n      false: [{ set: { size: few } }]\n  - choose: vars.size\n    cases: { many: [], few: [] }",
  );

  expect(load(source).diagnostics).toEqual([]);
});

test("a saga sleeps until a date of its input, and starts on events and by time", () => {
  expect(
    load(
      `${saga("{ amount: number, due: date }", "  - sleep: { until: '${ input.due }' }")}start:\n  topic: shop.orders\n  if: event.kind == 'new'\n  input: \${ event.order }\nschedule:\n  cron: 0 3 1 * *\n  timezone: Asia/Tokyo\n  overlap: queue\n  input: { amount: 1, due: "\${ schedule.at }" }\n`,
    ).diagnostics,
  ).toEqual([]);
});

test("whole numbers and others are calculated with together", () => {
  const condition = "input.count * 1.5 + 2 > input.amount / 2 && input.count % 2 == 1 && input.amount == 3";

  expect(load(saga("{ count: integer, amount: number }", read(condition))).diagnostics).toEqual([]);
});
