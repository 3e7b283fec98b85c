import { branching } from "./branching-models.ts";
import { children } from "./child-models.ts";
import { BUDGET, FAILS, FATAL, model, NO, NOT_SENT, OK, THREW, THREW_AFTER } from "./model.ts";
import { operators } from "./operator-models.ts";
import type { Model } from "./world.ts";

/** Three steps, two attempts each, compensations with two attempts, the last failure compensates. */
export const sequence = model(
  `
saga: sequence
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: { command: d.undo_a, retry: { attempts: 2 } }
  - step: b
    command: d.b
    with: {}
    compensate: { command: d.undo_b, retry: { attempts: 2 } }
  - step: c
    command: d.c
    with: {}
    retry: { attempts: 2, also: [busy], then: compensate }
    compensate: d.undo_c
`,
  {
    outcomes: { b: [OK, NO, FAILS], c: [OK, NO, FAILS, { end: "rejected", code: "busy" }] },
    compensations: { a: [OK, FAILS] },
    budget: { ...BUDGET, duplicates: 1 },
  },
);

/** A compensable step, the pivot, and a step that can only go forward, the latter with a deadline. */
export const pivot = model(
  `
saga: pivot
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: p
    command: d.p
    with: {}
    pivot: true
    deadline: 1m
  - step: z
    command: d.z
    with: {}
    deadline: 1m
`,
  { outcomes: { a: [OK, NO], p: [OK, NO, FAILS], z: [OK, NO, FAILS] }, budget: { ...BUDGET, duplicates: 1 } },
);

/** A pivot outside the database: its end may be unknown. `more`: what else its step says. */
const externalPivotWith = (more: string) =>
  model(
    `
saga: external_pivot
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: p
    command: d.p
    with: {}
    pivot: true
    ${more}
`,
    {
      outcomes: { p: [OK, NO, THREW, THREW_AFTER, NOT_SENT] },
      external: new Set(["p"]),
      budget: { ...BUDGET, duplicates: 1 },
    },
  );

const externalPivot = externalPivotWith("deadline: 1m");
/** Without a deadline nobody comes to look at a step that is awaited in vain. */
export const patientPivot = externalPivotWith("");

/** A wait between two steps, whose deadline is caught once and not caught the second time. */
const wait = model(
  `
saga: wait
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: first
    wait: go
    deadline: 1m
    catch:
      deadline:
        - step: remind
          command: d.remind
          with: {}
          compensate: d.undo_remind
  - step: second
    wait: go
    deadline: 1m
  - step: b
    command: d.b
    with: {}
    compensate: d.undo_b
`,
  { outcomes: { a: [OK, FAILS], b: [OK, NO] }, budget: { ...BUDGET, signals: 2 } },
);

/** A step outside the database with a deadline: its end may be unknown, and then it is undone without knowing. */
export const external = model(
  `
saga: external
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
  - step: x
    command: d.x
    with: {}
    deadline: 1m
    retry: { then: compensate }
    compensate: { command: d.undo_x, retry: { attempts: 2 } }
  - step: b
    command: d.b
    with: {}
    compensate: d.undo_b
`,
  {
    outcomes: { x: [OK, NO, THREW, THREW_AFTER, NOT_SENT], b: [OK, NO] },
    compensations: { x: [OK, FAILS] },
    external: new Set(["x"]),
    budget: { ...BUDGET, duplicates: 1 },
  },
);

/** Failures that are caught by another step, by nothing at all, and by a fail that goes outward. */
export const catching = model(
  `
saga: catching
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: d.undo_a
    catch:
      refused:
        - step: other
          command: d.other
          with: {}
          compensate: d.undo_other
      failed: []
  - step: b
    command: d.b
    with: {}
    deadline: 1m
    compensate: d.undo_b
    catch:
      deadline: []
      any:
        - fail: no_b
`,
  { outcomes: { a: [OK, NO, FAILS], b: [OK, NO, FATAL], other: [OK, NO] } },
);

/** Compensations that may be left undone. */
export const optional = model(
  `
saga: optional
version: 1
defaults: { retry: { attempts: 2 } }
steps:
  - step: a
    command: d.a
    with: {}
    compensate: { command: d.undo_a, optional: true, retry: { attempts: 2 } }
  - step: plain
    command: d.plain
    with: {}
  - step: b
    command: d.b
    with: {}
    compensate: { command: d.undo_b, optional: true, retry: none }
  - step: c
    command: d.c
    with: {}
`,
  { outcomes: { c: [OK, NO] }, compensations: { a: [OK, FAILS], b: [OK, FATAL] } },
);

/** Everything that is explored, by name. */
export const models: Readonly<Record<string, Model>> = {
  sequence,
  pivot,
  externalPivot,
  wait,
  external,
  catching,
  optional,
  ...branching,
  ...children,
  ...operators,
};
