import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const yaml = `
defaults: { retry: { attempts: 1 } }
steps:
  - step: ship
    each:
      in: input.orders
      as: order
      concurrency: 2
      max: 4
      steps:
        - { step: pack, command: d.pack, with: '\${ order }', compensate: d.unpack }
        - { set: { twice: '\${ order + order }' } }
        - { step: send, command: d.send, with: { parcel: '\${ steps.pack.id }', twice: '\${ vars.twice }' } }
  - { step: b, command: d.b, with: '\${ steps.ship }' }
`;

function shipping(...orders: string[]): SagaRun {
  return new SagaRun(yaml, { orders }).start();
}

test("as many items as concurrency says are in progress; each reads its own item, outputs and variables", () => {
  const run = shipping("A", "B", "C");
  expect([run.sent(), run.messages[1]?.body]).toEqual([["ship[0]/pack #1", "ship[1]/pack #1"], { input: "B" }]);
  run.succeed("ship[1]/pack", { id: "p1" });
  run.succeed("ship[0]/pack", { id: "p0" });
  expect(run.messages.slice(-2).map(({ body }) => body)).toEqual([
    { input: { parcel: "p1", twice: "BB" } },
    { input: { parcel: "p0", twice: "AA" } },
  ]);
  run.sent();
  run.succeed("ship[1]/send", 1);
  expect(run.sent()).toEqual(["ship[2]/pack #1"]);
});

test("the output is the list of the last steps' outputs in the order of the items, null where there is none", () => {
  const run = new SagaRun(
    `steps:
  - step: ship
    each: { in: "[1, 2]", as: n, steps: [{ step: send, if: "n != 1", command: d.send, with: { n: '\${ n }' } }] }
  - { step: b, command: d.b, with: '\${ steps.ship }' }`,
  ).start();
  run.succeed("ship[1]/send", { ok: true });
  expect(run.messages.at(-1)?.body).toEqual({ input: [null, { ok: true }] });
});

test("an empty list is done at once, and a step without output gives null for each item", () => {
  expect(shipping().messages.at(-1)?.body).toEqual({ input: [] });
  const sets = new SagaRun(
    `steps: [{ step: s, each: { in: "[1, 2, 3]", concurrency: 1, steps: [{ set: { x: 1 } }] } }, { step: b, command: d.b, with: '\${ steps.s }' }]`,
  ).start();
  expect(sets.messages.at(-1)?.body).toEqual({ input: [null, null, null] });
});

test("a list that is longer than max, or that is none, parks the saga with its place", () => {
  for (const orders of [["1", "2", "3", "4", "5"], "A"]) {
    const run = new SagaRun(yaml, { orders }).start();
    expect([run.state.status, run.state.parked?.kind, run.state.parked?.step, run.sent()]).toEqual([
      "parked",
      "fault",
      "ship",
      ["saga.parked"],
    ]);
  }
});

test("an item that fails ends the others; the items are undone together, no more at once than concurrency says", () => {
  const run = shipping("A", "B", "C", "D");
  for (const item of [0, 1, 2]) {
    run.succeed(`ship[${item}]/pack`, { id: item });
    run.succeed(`ship[${item}]/send`);
  }
  run.succeed("ship[3]/pack", { id: 3 });
  run.sent();
  run.reject("ship[3]/send");
  expect(run.sent()).toEqual(["saga.compensating", "undo ship[3]/pack #1", "undo ship[2]/pack #1"]);
  run.compensated("ship[2]/pack");
  expect(run.sent()).toEqual(["undo ship[1]/pack #1"]);
  run.compensated("ship[3]/pack");
  expect(run.sent()).toEqual(["undo ship[0]/pack #1"]);
});

test("a block inside an item is one entry of that item", () => {
  const run = new SagaRun(`
steps:
  - step: ship
    each:
      in: "[1]"
      steps:
        - { step: pick, command: d.pick, with: {}, compensate: d.unpick }
        - parallel:
            left: [{ step: l, command: d.l, with: {}, compensate: d.undo_l }]
            right: [{ step: r, command: d.r, with: {}, compensate: d.undo_r }]
        - fail: no
`).start();
  run.succeed("ship[0]/pick");
  run.succeed("ship[0]/parallel1/left/l");
  run.sent();
  run.succeed("ship[0]/parallel1/right/r");
  expect(run.sent()).toEqual([
    "saga.compensating",
    "undo ship[0]/parallel1/right/r #1",
    "undo ship[0]/parallel1/left/l #1",
  ]);
});

test("an each inside an each: the inner list may come from the outer item", () => {
  const run = new SagaRun(
    `steps:
  - step: outer
    each:
      in: input.rows
      as: row
      steps:
        - step: inner
          each: { in: row, as: cell, steps: [{ step: c, command: d.c, with: { cell: '\${ cell }', row: '\${ row }' } }] }
  - { step: b, command: d.b, with: '\${ steps.outer }' }`,
    { rows: [[1], [2, 3]] },
  ).start();
  expect(run.sent()).toEqual(["outer[0]/inner[0]/c #1", "outer[1]/inner[0]/c #1", "outer[1]/inner[1]/c #1"]);
  run.succeed("outer[1]/inner[1]/c", "z");
  run.succeed("outer[1]/inner[0]/c", "y");
  run.succeed("outer[0]/inner[0]/c", "x");
  expect(run.messages.at(-1)?.body).toEqual({ input: [["x"], ["y", "z"]] });
});

test("an item may be null", () => {
  const run = new SagaRun(
    "steps: [{ each: { in: input.lines, as: line, steps: [{ step: s, command: d.s, with: { line: '${ line }' } }] } }]",
    { lines: [null] },
  ).start();
  expect(run.messages[0]?.body).toEqual({ input: { line: null } });
});
