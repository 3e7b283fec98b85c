import { expect, test } from "bun:test";
import { SagaRun } from "./saga-run.ts";

const NESTED = `
steps:
  - step: all
    each:
      in: input.ids
      as: id
      steps:
        - set: { label: "\${ 'no ' + id }" }
        - step: inner
          each:
            in: input.ids
            as: other
            steps:
              - set: { deep: "\${ other }" }
              - step: touch
                command: d.touch
                with: {}
                compensate: { command: d.untouch, with: { deep: "\${ vars.deep }", more: "\${ has(vars.nothing) }" } }
        - step: pack
          command: d.pack
          with: { steps: "\${ steps }", vars: "\${ vars }" }
          compensate:
            command: d.unpack
            with: { steps: "\${ steps }", vars: "\${ vars }" }
  - { step: bill, command: d.bill, with: { steps: "\${ steps }", vars: "\${ vars }" }, retry: none }
`;

// The run decides everything twice, so this holds wherever the values lie.
test("whoever reads all names sees those of the items it stands in, and nothing of other items or of lists inside", () => {
  const run = new SagaRun(NESTED, { ids: ["a"] }).start();
  run.succeed("all[0]/inner[0]/touch", { n: 1 });
  const inside = { steps: { inner: [{ n: 1 }] }, vars: { label: "no a" } };
  expect(run.messages.at(-1)?.body).toEqual({ input: inside });
  run.succeed("all[0]/pack", { n: 2 });
  expect(run.messages.at(-1)?.body).toEqual({ input: { steps: { all: [{ n: 2 }] }, vars: {} } });
  run.reject("bill");
  expect(run.messages.at(-1)?.body).toMatchObject({
    input: {
      steps: { inner: [{ n: 1 }], pack: { n: 2 }, all: [{ n: 2 }] },
      vars: { label: "no a" },
    },
  });
  run.compensated("all[0]/pack");
  expect(run.messages.at(-1)?.body).toMatchObject({ input: { deep: "a", more: false } });
});

test("what the steps of a compensation leave to one another is the item's own until the last of them", () => {
  const run = new SagaRun(
    `
steps:
  - step: all
    each:
      in: input.ids
      as: id
      steps:
        - step: pack
          command: d.pack
          with: {}
          compensate:
            - { step: ask, command: d.ask, with: { id: "\${ id }" } }
            - { step: wipe, command: d.wipe, with: {} }
            - { step: unpack, command: d.unpack, with: { id: "\${ id }", of: "\${ steps.ask.n }" } }
  - { step: bill, command: d.bill, with: {}, retry: none }
`,
    { ids: ["a", "b"] },
  ).start();
  run.succeed("all[0]/pack");
  run.succeed("all[1]/pack");
  for (const path of ["all[0]/pack", "all[1]/pack"]) run.guards[path] = { state: "done", output: {} };
  run.reject("bill");
  for (const [index, id] of [...["a", "b"].entries()].toReversed()) {
    const path = `all[${index}]/pack/compensate`;
    run.succeed(`${path}/ask`, { n: index });
    run.succeed(`${path}/wipe`);
    expect(run.messages.findLast(({ path: sent }) => sent === `${path}/unpack`)?.body).toEqual({
      input: { id, of: index },
    });
    run.succeed(`${path}/unpack`);
  }
  expect(run.state.status).toBe("failed");
});
