import { expect, test } from "bun:test";

import { define } from "../core/explorer/model.ts";
import { mismatchesIn } from "./read.ts";

const race = define(`
saga: race
version: 1
steps:
  - step: offers
    parallel:
      swift:
        - { step: swift, command: carrier.book, with: {}, compensate: carrier.cancel }
        - { step: check, command: carrier.check, with: {} }
      steady: [{ step: steady, command: carrier.book, with: {}, compensate: carrier.cancel }]
    join: any
  - set: { bookingId: "\${ has(steps.swift) ? steps.swift.bookingId : steps.steady.bookingId }" }
  - { step: ship, command: carrier.hand_over, with: { bookingId: "\${ vars.bookingId }" } }
`);

test("a carrier that has booked and then loses is cancelled, and its booking is not the one that is shipped", () => {
  const found = mismatchesIn(
    `
  - name: steady is faster
    given:
      swift: { bookingId: B-1 }
      steady: { bookingId: B-2 }
    expect:
      steps: [swift, steady, check, undo swift, ship]
      status: completed
      sent: { ship: { bookingId: B-2 } }
`,
    race,
  );

  expect(found).toEqual([]);
});
