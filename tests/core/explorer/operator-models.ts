import { BUDGET, define, FATAL, FAILS, model, NO, OK, THREW, THREW_AFTER } from "./model.ts";
import type { Model } from "./world.ts";

const SMALL = { ...BUDGET, duplicates: 1, crashes: 0, cancels: 0, retries: 0, verbs: 2 };

/** A step inside the database, one outside, whose end may be unknown, and one that turns the saga round. */
export const helped = model(
  `
saga: helped
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: { command: d.undo_a, retry: { attempts: 1 } }
  - step: x
    command: d.x
    with: {}
    compensate: { command: d.undo_x, retry: { attempts: 1 } }
  - step: b
    command: d.b
    with: {}
`,
  {
    outcomes: { a: [OK, FAILS], x: [OK, THREW, THREW_AFTER], b: [OK, NO] },
    compensations: { a: [OK, FAILS], x: [OK, FAILS] },
    external: new Set(["x"]),
    budget: SMALL,
  },
);

/** Around a pivot, and behind it. */
const helpedPivot = model(
  `
saga: helped_pivot
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: p
    command: d.p
    with: {}
    pivot: true
  - step: z
    command: d.z
    with: {}
  - step: y
    command: d.y
    with: {}
`,
  {
    outcomes: { p: [OK, NO, THREW, THREW_AFTER], z: [OK, NO, FAILS] },
    external: new Set(["p"]),
    budget: { ...SMALL, cancels: 1, retries: 1 },
  },
);

/** Two branches, each of which may stand, and a list of steps that undoes what stands before them. */
export const helpedLists = model(
  `
saga: helped_lists
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate:
      - step: refund
        command: e.refund
        with: {}
      - step: inform
        command: f.inform
        with: {}
  - parallel:
      left:
        - step: l
          command: d.l
          with: {}
          compensate: { command: d.undo_l, retry: { attempts: 1 } }
      right:
        - step: r
          command: d.r
          with: {}
          compensate: d.undo_r
`,
  {
    outcomes: { "parallel1/left/l": [OK, FAILS], "parallel1/right/r": [OK, NO], "a/compensate/refund": [OK, FATAL] },
    compensations: { "parallel1/left/l": [OK, FATAL] },
    budget: SMALL,
  },
);

/** What is parked is the last before the saga turns round, and what undoes it is a list. */
export const helpedLast = model(
  `
saga: helped_last
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: b
    command: d.b
    with: {}
    compensate:
      - step: refund
        command: e.refund
        with: {}
  - fail: over
`,
  {
    outcomes: { b: [OK, FAILS] },
    budget: { ...SMALL, cancels: 1, retries: 1 },
  },
);

/** A child that may be parked, forward and while it is taken back; it and its parent may be terminated. */
export const helpedChild = model(
  `
saga: parent
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: kid
    saga: kid
    with: {}
  - step: b
    command: d.b
    with: {}
`,
  {
    child: define(`
saga: kid
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: x
    command: d.x
    with: {}
    compensate: { command: d.undo_x, retry: { attempts: 1 } }
  - step: y
    command: d.y
    with: {}
    compensate: { command: d.undo_y, retry: { attempts: 1 } }
`),
    outcomes: { "kid|y": [OK, NO, FAILS], b: [OK, NO] },
    compensations: { "kid|x": [OK, FAILS] },
    budget: SMALL,
  },
);

/** Messages that a person edits: of a step, of a step outside, and of what undoes them. */
export const edited = model(
  `
saga: edited
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: { command: d.undo_a, retry: { attempts: 1 } }
  - step: x
    command: d.x
    with: {}
    compensate: d.undo_x
  - step: b
    command: d.b
    with: {}
`,
  {
    outcomes: { a: [OK, FAILS], x: [OK, THREW], b: [OK, NO] },
    compensations: { a: [OK, FAILS] },
    external: new Set(["x"]),
    budget: { ...BUDGET, duplicates: 1, crashes: 0, cancels: 0, retries: 0, edits: 1 },
  },
);

/** Everything in which an operator does more than retry, by name. */
export const operators: Readonly<Record<string, Model>> = {
  helped,
  helpedPivot,
  helpedLists,
  helpedLast,
  helpedChild,
  edited,
};
