import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const race = `
steps:
  - step: race
    parallel:
      swift:
        - { step: swift, command: d.swift, with: {}, compensate: d.undo_swift }
        - { set: { carrier: swift } }
        - { step: swift_ready, wait: ready }
      steady: [{ step: steady, command: d.steady, with: {}, compensate: d.undo_steady }]
    join: any
  - step: ship
    command: d.ship
    with: { swift: "\${ has(steps.swift) }", steady: "\${ has(steps.steady) }", set: "\${ has(vars.carrier) }" }
`;

test("what the loser of a race has kept is not there for later expressions", () => {
  const run = new SagaRun(race).start();
  run.succeed("race/swift/swift", { bookingId: "B-1" });
  run.succeed("race/steady/steady", { bookingId: "B-2" });
  run.compensated("race/swift/swift");
  expect(run.messages.at(-1)?.body).toEqual({ input: { swift: false, steady: true, set: false } });
  expect([run.state.outputs, run.state.vars]).toEqual([{ steady: { bookingId: "B-2" } }, {}]);
});

test("a loser that was running when the other won is adopted, undone and not there any more", () => {
  const run = new SagaRun(race).start();
  run.guards["race/swift/swift"] = { state: "running" };
  run.succeed("race/steady/steady");
  run.succeed("race/swift/swift");
  expect(Object.keys(run.state.outputs)).toEqual(["steady", "swift"]);
  run.compensated("race/swift/swift");
  expect(run.messages.at(-1)?.body).toEqual({ input: { swift: false, steady: true, set: false } });
});

test("a branch that is out of the race for its failure is forgotten, while a compensation of it still reads it", () => {
  const run = new SagaRun(`
steps:
  - step: race
    parallel:
      one:
        - { step: x, command: d.x, with: {}, compensate: d.undo_x }
        - { step: y, command: d.y, with: {}, compensate: { command: d.undo_y, with: { of: "\${ steps.x.n }" } } }
        - { step: z, wait: never, deadline: 1h }
      two: [{ step: w, wait: go }]
    join: any
  - { step: after, command: d.after, with: { x: "\${ has(steps.x) }", w: "\${ has(steps.w) }" } }
`).start();
  run.succeed("race/one/x", { n: 7 });
  run.succeed("race/one/y");
  run.fire("deadline:race/one/z");
  expect(run.messages.at(-1)?.body).toMatchObject({ input: { of: 7 } });
  run.compensated("race/one/y");
  run.compensated("race/one/x");
  run.signal("go");
  expect(run.messages.at(-1)?.body).toEqual({ input: { x: false, w: true } });
});

test("what a block has kept is not there behind its catch, which may set the same value anew", () => {
  const run = new SagaRun(`
steps:
  - step: both
    parallel:
      left: [{ step: l, command: d.l, with: {}, compensate: d.undo_l }, { set: { by: left } }]
      right: [{ step: r, wait: go, deadline: 1h }]
    catch: { deadline: [{ set: { by: nobody } }] }
  - { step: after, command: d.after, with: { l: "\${ has(steps.l) }", by: "\${ vars.by }" } }
`).start();
  run.succeed("both/left/l");
  run.fire("deadline:both/right/r");
  run.compensated("both/left/l");
  expect(run.messages.at(-1)?.body).toEqual({ input: { l: false, by: "nobody" } });
});

test("a list of items that lost, or whose catch took over, is forgotten with everything inside", () => {
  const run = new SagaRun(
    `
steps:
  - step: race
    parallel:
      many:
        - step: all
          each: { in: input.lines, as: line, steps: [{ step: pack, command: d.pack, with: { n: "\${ line }" } }] }
        - { step: confirmed, wait: confirmed }
      one: [{ step: w, wait: go }]
    join: any
  - step: ship
    each: { in: input.lines, as: line, steps: [{ step: s, command: d.s, with: {}, retry: none }] }
    catch: { refused: [] }
  - { step: after, command: d.after, with: { all: "\${ has(steps.all) }", ship: "\${ has(steps.ship) }" } }
`,
    { lines: [1, 2] },
  ).start();
  run.succeed("race/many/all[0]/pack");
  run.succeed("race/many/all[1]/pack");
  run.signal("go");
  expect([run.state.items, run.state.lists]).toEqual([{}, { ship: [1, 2] }]);
  run.succeed("ship[0]/s");
  run.reject("ship[1]/s");
  expect(run.messages.at(-1)?.body).toEqual({ input: { all: false, ship: false } });
  expect([run.state.items, run.state.outputs]).toEqual([{}, { w: {} }]);
});

test("a race inside an item forgets in that item alone", () => {
  const run = new SagaRun(
    `
steps:
  - step: all
    each:
      in: input.lines
      as: line
      steps:
        - parallel:
            one: [{ step: x, command: d.x, with: {}, compensate: d.undo_x }, { step: x2, wait: x2 }]
            two: [{ step: y, wait: y, match: signal.line == line }]
          join: any
        - { step: z, command: d.z, with: { x: "\${ has(steps.x) }" } }
`,
    { lines: [1, 2] },
  ).start();
  run.succeed("all[0]/parallel0/one/x");
  run.succeed("all[1]/parallel0/one/x");
  run.signal("y", { line: 2 });
  run.compensated("all[1]/parallel0/one/x");
  expect(run.messages.at(-1)?.body).toEqual({ input: { x: false } });
  expect(run.state.items?.["all[0]"]?.outputs).toEqual({ x: {} });
});

test("what lost inside an item stays forgotten for a compensation that comes when the item has long ended", () => {
  const run = new SagaRun(
    `
steps:
  - step: all
    each:
      in: input.lines
      as: line
      steps:
        - parallel:
            one: [{ step: x, command: d.x, with: {}, compensate: d.undo_x }, { set: { by: x } }, { step: x2, wait: x2 }]
            two: [{ step: y, wait: y }]
          join: any
        - step: z
          command: d.z
          with: {}
          compensate: { command: d.undo_z, with: { x: "\${ has(steps.x) }", y: "\${ has(steps.y) }", by: "\${ has(vars.by) }" } }
  - { step: last, command: d.last, with: {}, retry: none }
`,
    { lines: [1] },
  ).start();
  run.succeed("all[0]/parallel0/one/x");
  run.signal("y");
  run.compensated("all[0]/parallel0/one/x");
  run.succeed("all[0]/z");
  run.reject("last");
  expect(run.messages.at(-1)?.body).toMatchObject({ input: { x: false, y: true, by: false } });
});
