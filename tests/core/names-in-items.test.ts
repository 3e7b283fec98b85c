import { expect, test } from "bun:test";
import { lanesAt } from "../../engine/core/path.ts";
import { resolved } from "../../engine/core/value-places.ts";
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

test("a place inside the items of a list has a path only for whoever stands in one of them", () => {
  const { definition } = new SagaRun(NESTED);
  const from = (path: string) =>
    ["bill", "all[]/pack", "all[]/inner[]/touch"].map((place) => resolved(place, lanesAt(definition, path)));
  expect(from("bill")).toEqual(["bill", undefined, undefined]);
  expect(from("all[3]/pack")).toEqual(["bill", "all[3]/pack", undefined]);
  expect(from("all[3]/inner[7]/touch")).toEqual(["bill", "all[3]/pack", "all[3]/inner[7]/touch"]);
});
