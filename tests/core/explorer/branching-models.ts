import { BUDGET, FAILS, model, NO, OK, THREW, THREW_AFTER } from "./model.ts";
import type { Model } from "./world.ts";

const SMALL = { ...BUDGET, duplicates: 1, cancels: 1, retries: 0, crashes: 0 };

/** Two branches, one of which may be refused while the other has something to undo. */
export const parallel = model(
  `
saga: parallel
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - parallel:
      left:
        - step: l1
          command: d.l1
          with: {}
          compensate: d.undo_l1
        - step: l2
          command: d.l2
          with: {}
          compensate: d.undo_l2
      right:
        - step: r
          command: d.r
          with: {}
          compensate: d.undo_r
`,
  {
    outcomes: { "parallel1/right/r": [OK, NO], "parallel1/left/l1": [OK, FAILS], "parallel1/left/l2": [OK, NO] },
    budget: { ...SMALL, duplicates: 0, retries: 1 },
  },
);

/** The same in a block that catches: the branches are undone while the saga runs forward. */
export const caughtBlock = model(
  `
saga: caught_block
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: both
    parallel:
      left:
        - step: l
          command: d.l
          with: {}
          compensate: d.undo_l
      right:
        - step: r
          command: d.r
          with: {}
          compensate: { command: d.undo_r, retry: { attempts: 2 } }
        - step: w
          wait: go
    deadline: 1m
    catch:
      rejected:
        - step: other
          command: d.other
          with: {}
          compensate: d.undo_other
  - step: b
    command: d.b
    with: {}
`,
  {
    outcomes: { "both/left/l": [OK, NO, FAILS], b: [OK, NO] },
    compensations: { "both/right/r": [OK, FAILS] },
    budget: { ...SMALL, signals: 1 },
  },
);

/** A race: the first branch that ends well wins, the other is undone. */
export const race = model(
  `
saga: race
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: offers
    parallel:
      one:
        - step: x
          command: d.x
          with: {}
          compensate: d.undo_x
      two:
        - step: y
          command: d.y
          with: {}
          compensate: d.undo_y
        - step: y2
          command: d.y2
          with: {}
          compensate: d.undo_y2
    join: any
  - step: b
    command: d.b
    with: {}
    compensate: d.undo_b
`,
  {
    outcomes: { "offers/one/x": [OK, NO, THREW, THREW_AFTER], "offers/two/y2": [OK, NO], b: [OK, NO] },
    external: new Set(["offers/one/x"]),
    budget: { ...SMALL, duplicates: 0, retries: 1 },
  },
);

/** Items one after another. */
export const each = model(
  `
saga: each
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: ship
    each:
      in: "[1, 2, 3]"
      as: item
      concurrency: 1
      steps:
        - step: pack
          command: d.pack
          with: \${ item }
          compensate: d.unpack
  - step: b
    command: d.b
    with: {}
`,
  {
    outcomes: { "ship[1]/pack": [OK, NO, FAILS], "ship[2]/pack": [OK, NO], b: [OK, NO] },
    budget: { ...SMALL, retries: 1 },
  },
);

/** Items two at a time, each of two steps. */
const eachTwo = model(
  `
saga: each_two
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: ship
    each:
      in: "[1, 2, 3]"
      as: item
      concurrency: 2
      steps:
        - step: pack
          command: d.pack
          with: \${ item }
          compensate: d.unpack
`,
  { outcomes: { "ship[0]/pack": [OK, NO], "ship[2]/pack": [OK, NO] }, budget: { ...SMALL, duplicates: 1 } },
);

/** A step that is undone by steps of other domains, one of which may fail; another list may be left undone. */
export const bySteps = model(
  `
saga: by_steps
version: 1
defaults: { retry: { attempts: 2 } }
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
  - step: b
    command: d.b
    with: {}
    deadline: 1m
    compensate:
      - step: recall
        command: e.recall
        with: {}
  - step: c
    command: d.c
    with: {}
    compensate: d.undo_c
`,
  {
    outcomes: { b: [OK, NO, FAILS], c: [OK, NO], "a/compensate/refund": [OK, FAILS] },
    budget: { ...SMALL, duplicates: 0, retries: 1 },
  },
);

/** A sleep inside a saga that may live for an hour only. */
export const life = model(
  `
saga: life
version: 1
deadline: 1h
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: { command: d.undo_a, retry: { attempts: 2 } }
  - sleep: 10m
  - step: p
    command: d.p
    with: {}
    pivot: true
  - sleep: 10m
  - step: z
    command: d.z
    with: {}
`,
  {
    outcomes: { a: [OK, NO, FAILS], p: [OK, NO, FAILS], z: [OK, NO] },
    compensations: { a: [OK, FAILS] },
    budget: { ...SMALL, retries: 1 },
  },
);

/** A pivot, and behind it branches that can only go forward: the one that fails stands, the other runs on. */
export const behindPivot = model(
  `
saga: behind_pivot
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
  - parallel:
      left:
        - step: l
          command: d.l
          with: {}
      right:
        - step: r
          command: d.r
          with: {}
          deadline: 1m
`,
  {
    outcomes: { p: [OK, NO], "parallel2/left/l": [OK, NO, FAILS], "parallel2/right/r": [OK, NO] },
    budget: { ...SMALL, retries: 1 },
  },
);

/** Blocks in blocks: the items of a list, each a race that may fail, in a branch beside a step that may fail. */
const nested = model(
  `
saga: nested
version: 1
defaults: { retry: { attempts: 1 } }
steps:
  - step: outer
    parallel:
      list:
        - step: items
          each:
            in: "[1, 2]"
            as: item
            concurrency: 2
            steps:
              - parallel:
                  one:
                    - step: x
                      command: d.x
                      with: {}
                      compensate: d.undo_x
                  two:
                    - wait: go
                join: any
              - step: y
                command: d.y
                with: {}
                compensate:
                  - step: undo
                    command: e.undo
                    with: {}
      single:
        - step: s
          command: d.s
          with: {}
          compensate: d.undo_s
    catch:
      refused: []
  - step: b
    command: d.b
    with: {}
`,
  {
    outcomes: {
      "outer/list/items[0]/parallel0/one/x": [OK, NO],
      "outer/single/s": [OK, NO],
      b: [OK, NO],
    },
    budget: { ...SMALL, duplicates: 0, cancels: 0 },
  },
);

/** Everything with more than one place, by name. */
export const branching: Readonly<Record<string, Model>> = {
  parallel,
  caughtBlock,
  race,
  each,
  eachTwo,
  bySteps: bySteps,
  life,
  behindPivot,
  nested,
};
