import { BUDGET, define, FAILS, model, NO, OK } from "./model.ts";
import type { Model } from "./world.ts";

const SMALL = { ...BUDGET, duplicates: 1, retries: 1, crashes: 0 };

const KID_DEFINITION = define(`
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
    compensate: d.undo_y
`);

/** A child saga between two steps; it may fail, be cancelled, or complete and be taken back. */
export const child = model(
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
    deadline: 1m
  - step: b
    command: d.b
    with: {}
`,
  {
    child: KID_DEFINITION,
    outcomes: { "kid|y": [OK, NO], b: [OK, NO] },
    compensations: { "kid|x": [OK, FAILS] },
    budget: SMALL,
  },
);

/** A child past its own pivot cannot undo itself: the step's compensate does. */
const childPivot = model(
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
    deadline: 1m
    compensate: e.reverse
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
    compensate: d.undo_x
  - step: p
    command: d.p
    with: {}
    pivot: true
  - step: y
    command: d.y
    with: {}
`),
    outcomes: { "kid|p": [OK, NO], "kid|y": [OK, FAILS], b: [OK, NO] },
    budget: { ...SMALL, cancels: 2 },
  },
);

/** A child in a branch beside a step that may be refused, in a block that catches and may not last for ever. */
const childInBranch = model(
  `
saga: parent
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: both
    parallel:
      left:
        - step: kid
          saga: kid
          with: {}
      right:
        - step: r
          command: d.r
          with: {}
          compensate: d.undo_r
    deadline: 1m
    catch:
      refused: []
  - step: b
    command: d.b
    with: {}
`,
  {
    child: KID_DEFINITION,
    outcomes: { "kid|y": [OK, NO], "both/right/r": [OK, NO], b: [OK, NO] },
    compensations: { "kid|x": [OK, FAILS] },
    budget: { ...SMALL, duplicates: 0 },
  },
);

/** Everything with a child saga, by name. */
export const children: Readonly<Record<string, Model>> = { child, childPivot, childInBranch };
