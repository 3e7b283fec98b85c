import type { Definition, Expression, Retry, Step } from "../../engine/core/definition.ts";

const at = { line: 1, column: 1 };
const retry: Retry = {
  attempts: 1,
  backoffMs: 1,
  factor: 1,
  maxMs: 1,
  jitter: 0,
  also: [],
  never: [],
  then: "park",
};
const nothing = { kind: "literal", value: null } as const;

function expression(source: string): Expression {
  return { source, at };
}

function command(id: string, more: Partial<Extract<Step, { kind: "command" }>> = {}): Step {
  const parts = { with: nothing, timeoutMs: 1, retry, catch: [], pivot: false } as const;
  return { kind: "command", id, name: id, at, command: `shop.${id}`, ...parts, ...more };
}

const undo = { kind: "command", command: "shop.undo", timeoutMs: 1, retry, optional: true } as const;

/** Of each kind of step one, most of them inside others. */
export const everyKind: Definition = {
  name: "order",
  version: 3,
  revision: "",
  input: { kind: "any", optional: true },
  labels: {},
  sensitive: [],
  deadlineMs: 86_400_000,
  start: { topic: "shop.ordered", input: nothing },
  schedule: { cron: "0 9 1 * *", timezone: "Asia/Tokyo", overlap: "skip", input: nothing },
  steps: [
    { kind: "set", id: "set0", at, values: { total: nothing } },
    command("reserve", { compensate: undo, deadlineMs: 90_000 }),
    {
      kind: "parallel",
      id: "offers",
      name: "offers",
      at,
      join: "any",
      branches: [
        {
          id: "north",
          steps: [command("north_offer", { compensate: { kind: "steps", steps: [command("void")], optional: false } })],
        },
        {
          id: "south",
          steps: [
            { kind: "saga", id: "south_offer", name: "south_offer", at, saga: "offer", with: nothing, catch: [] },
          ],
        },
      ],
      deadlineMs: 7_200_000,
      catch: [{ code: "deadline", steps: [{ kind: "fail", id: "fail0", at, code: "no_offer" }] }],
    },
    {
      kind: "each",
      id: "parcels",
      at,
      in: expression("input.parcels"),
      as: "parcel",
      steps: [command("pack", { if: expression('parcel.size < 3 && parcel.name != "x"') })],
      concurrency: 4,
      max: 100,
      catch: [{ code: "any", steps: [command("note")] }],
    },
    {
      kind: "choose",
      id: "choose4",
      at,
      branches: [
        {
          id: "when0",
          when: expression("vars.total > 100"),
          steps: [{ kind: "sleep", id: "sleep0", at, forMs: 1_500 }],
        },
        {
          id: "when1",
          when: expression("vars.total > 50"),
          steps: [{ kind: "end", id: "end0", at, outcome: "given_away" }],
        },
      ],
      else: [],
    },
    command("ship", { pivot: true }),
    {
      kind: "wait",
      id: "receipt",
      name: "receipt",
      at,
      signal: "received",
      deadlineMs: 259_200_000,
      catch: [{ code: "deadline", steps: [] }],
    },
    { kind: "notify", id: "notify7", at, command: "ledger.shipped", with: nothing, timeoutMs: 1, retry },
  ],
};
