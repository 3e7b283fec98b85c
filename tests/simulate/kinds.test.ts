import { expect, test } from "bun:test";

import { runText } from "../../engine/simulate/story-text.ts";
import { FAILED, simulated, SUCCEEDED, told } from "./simulated.ts";

const OFFERS = `
steps:
  - step: offers
    parallel:
      north:
        - step: north_offer
          command: north.offer
          with: {}
          compensate: north.withdraw
      south:
        - step: south_offer
          command: south.offer
          with: {}
          compensate: south.withdraw
        - step: think_it_over
          sleep: 1d
    join: any
  - step: ship
    command: shop.ship
    with: {}
    pivot: true
`;

test("of a race the winner goes on; what the loser has done is undone, what it has not begun never runs", () => {
  const late = [{ end: "succeeded", afterMs: 5_000 }] as const;
  const done = simulated(OFFERS, { outcomes: { north_offer: late } });
  const notBegun = simulated(OFFERS, { outcomes: { south_offer: late } });

  expect(done.steps).toEqual(["north_offer", "south_offer", "think_it_over", "undo south_offer", "ship"]);
  expect(notBegun.steps).toEqual(["north_offer", "south_offer", "ship"]);
  expect([done.status, notBegun.status]).toEqual(["completed", "completed"]);
});

test("items are told by their index; one that is rejected undoes the others", () => {
  const steps = `
steps:
  - step: parcels
    each: { in: input.parcels, as: parcel, concurrency: 2, steps: [{ step: pack, command: shop.pack, with: "\${ parcel }", compensate: shop.unpack }] }
`;
  const input = { parcels: [{ no: 1 }, { no: 2 }, { no: 3 }] };
  const well = simulated(steps, {}, input);
  const refused = simulated(steps, { outcomes: { "pack[1]": [{ end: "rejected", code: "too_big" }] } }, input);

  expect(well).toMatchObject({ steps: ["pack[0]", "pack[1]", "pack[2]"], status: "completed", unused: [] });
  expect(refused).toMatchObject({ status: "failed", error: { code: "too_big", step: "pack[1]" }, unused: [] });
  expect(refused.steps).toContain("undo pack[0]");
});

test("an outcome without an index is that of every item", () => {
  const steps = `
steps:
  - step: parcels
    each: { in: input.parcels, as: parcel, steps: [{ step: pack, command: shop.pack, with: {}, retry: { attempts: 2, backoff: 1s, jitter: 0 } }] }
`;
  const run = simulated(steps, { outcomes: { pack: [FAILED, SUCCEEDED] } }, { parcels: [1, 2] });

  expect(told(run).filter((line) => line.endsWith("succeeded (attempt 2)"))).toHaveLength(2);
});

test("a sleep lasts as long as it says; until a date it ends then", () => {
  const steps = `
steps:
  - step: pause
    sleep: 2h
  - step: until
    sleep: { until: "2026-03-02T00:00:00Z" }
`;
  const run = simulated(steps, { startedAt: "2026-03-01T00:00:00Z" });

  expect(told(run)).toEqual([
    "0s pause: waits",
    "7200s pause: the sleep is over",
    "7200s until: waits",
    "86400s until: the sleep is over",
    "86400s : completed",
  ]);
});

const CHILD = `
steps:
  - step: transfer
    saga: bank_transfer
    with: { amount: 5 }
    returns: { transferId: string(1..) }
    compensate: bank.claim_back
  - step: book
    command: ledger.book
    with: { transferId: "\${ steps.transfer.transferId }" }
`;

test("a child saga completes with what its step returns", () => {
  const run = simulated(CHILD);

  expect(told(run)).toEqual([
    "0s transfer: begins saga bank_transfer",
    "0s transfer: completed",
    "0s book: ledger.book",
    "0s book: succeeded",
    "0s : completed",
  ]);
  expect(run.entries[0]?.data).toEqual({ amount: 5 });
  expect(run.entries[2]?.data).toEqual({ transferId: "x" });
});

test("a child saga that fails rejects its step; one that has completed is undone", () => {
  const fails = simulated(CHILD, { outcomes: { transfer: [{ end: "rejected", code: "no_account" }] } });
  const undone = simulated(CHILD, { outcomes: { book: [{ end: "rejected", code: "closed" }] } });

  expect(fails).toMatchObject({
    steps: ["transfer"],
    status: "failed",
    error: { code: "no_account", step: "transfer" },
  });
  expect(undone).toMatchObject({ steps: ["transfer", "book", "undo transfer"], status: "failed", uncompensated: [] });
});

test("a cancel awaits the end of an open child saga", () => {
  const run = simulated(CHILD, { outcomes: { transfer: [{ end: "silent" }] }, cancelAtMs: 1_000 });

  expect(told(run)).toEqual([
    "0s transfer: begins saga bank_transfer",
    "0s transfer: no answer comes",
    "1s : cancel",
    "1s transfer: cancels its saga",
    "1s transfer: cancelled",
    "1s : compensating: cancelled",
    "1s : cancelled: cancelled",
  ]);
});

test("a compensation that is a list is told step by step", () => {
  const steps = `
steps:
  - step: ship
    command: shop.ship
    with: {}
    compensate:
      - step: recall
        command: carrier.recall
        with: {}
      - step: restock
        command: stock.put_back
        with: {}
  - fail: changed_mind
`;
  const run = simulated(steps);

  expect(run).toMatchObject({ steps: ["ship", "undo ship", "recall", "restock"], status: "failed", uncompensated: [] });
});

test("the deadline of the whole saga compensates", () => {
  const steps = `
deadline: 1h
steps:
  - step: apply
    command: application.register
    with: {}
    compensate: application.cancel
  - step: review
    wait: reviewed
`;
  const run = simulated(steps);

  expect(run).toMatchObject({
    steps: ["apply", "review", "undo apply"],
    status: "failed",
    error: { code: "deadline" },
  });
  expect(told(run)).toContain("3600s : the deadline has passed");
});

test("an end is told with its word and its own output, although the saga itself has none", () => {
  const run = simulated("steps: [{ end: { outcome: nothing_to_do, output: { done: 0 } } }]");

  expect(told(run)).toEqual(["0s : completed (nothing_to_do)"]);
  expect([run.entries[0]?.data, run.output]).toEqual([{ done: 0 }, { done: 0 }]);
  expect(runText(run)).toContain("path    no step\n");
});
