import { expect, test } from "bun:test";
import type { Definition, Step } from "../../engine/core/definition.ts";
import { loadDefinition } from "../../engine/definition/load.ts";

/** What the parser makes of a file; what the checks think of it is said elsewhere. */
function parsed(source: string): Definition {
  const { definition, diagnostics } = loadDefinition(source, { catalog: null, checks: false });
  expect(diagnostics).toEqual([]);
  if (definition === null) throw new Error("no definition");
  return definition;
}

/** The only step of a saga, without the places of everything in it. */
function stepOf(yaml: string): unknown {
  const [step] = parsed(`saga: sample\nversion: 1\nsteps:\n${yaml.replace(/^(?=.)/gm, "  ")}\n`).steps;
  return withoutPlaces(step as Step);
}

function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (key === "at" ? [] : [[key, withoutPlaces(inner)]])),
  );
}

const retry = { attempts: 5, backoffMs: 1000, factor: 2, maxMs: 60_000, jitter: 0, also: [], never: [], then: "park" };
const literal = (value: unknown) => ({ kind: "literal", value });
const expression = (source: string) => ({ kind: "expression", expression: { source } });

test("parallel: branches by name, joined when all end unless it says any", () => {
  const sleep = { kind: "sleep", id: "sleep0", forMs: 1000 };
  const branches = [
    { id: "left", steps: [sleep] },
    { id: "right", steps: [] },
  ];

  expect(stepOf("- parallel:\n    left: [sleep: 1s]\n    right: []")).toEqual({
    kind: "parallel",
    id: "parallel0",
    branches,
    join: "all",
    catch: [],
  });
  expect(
    stepOf(
      "- step: race\n  parallel:\n    left: [sleep: 1s]\n    right: []\n  join: any\n  deadline: 1h\n  catch: { deadline: [] }",
    ),
  ).toEqual({
    kind: "parallel",
    id: "race",
    name: "race",
    branches,
    join: "any",
    deadlineMs: 3_600_000,
    catch: [{ code: "deadline", steps: [] }],
  });
});

test("each: the list, the item's name, and limits that have defaults", () => {
  expect(stepOf("- each: { in: input.shops, steps: [] }")).toEqual({
    kind: "each",
    id: "each0",
    in: { source: "input.shops" },
    as: "item",
    steps: [],
    concurrency: 10,
    max: 1000,
    catch: [],
  });
  expect(
    stepOf(
      "- step: pay\n  each:\n    in: input.shops\n    as: shop\n    concurrency: 3\n    max: 10000\n    steps: [{ wait: paid }]\n  deadline: 2d\n  catch: { any: [] }",
    ),
  ).toEqual({
    kind: "each",
    id: "pay",
    name: "pay",
    in: { source: "input.shops" },
    as: "shop",
    steps: [{ kind: "wait", id: "wait0", signal: "paid", catch: [] }],
    concurrency: 3,
    max: 10_000,
    deadlineMs: 172_800_000,
    catch: [{ code: "any", steps: [] }],
  });
});

test("saga: a child with its input, its result and its compensation", () => {
  expect(
    stepOf(
      "- step: transfer\n  saga: bank_transfer\n  with: { amount: 1 }\n  returns: { id: string }\n  output: ${ result.id }\n  deadline: 1h\n  catch: { rejected: [] }\n  compensate: bank.return",
    ),
  ).toEqual({
    kind: "saga",
    id: "transfer",
    name: "transfer",
    saga: "bank_transfer",
    with: { kind: "object", entries: { amount: literal(1) } },
    returns: { kind: "object", optional: false, fields: { id: { kind: "string", optional: false } } },
    output: expression("result.id"),
    deadlineMs: 3_600_000,
    catch: [{ code: "rejected", steps: [] }],
    compensate: {
      kind: "command",
      command: "bank.return",
      timeoutMs: 30_000,
      retry: { ...retry, attempts: 10 },
      optional: false,
    },
  });
  expect(stepOf("- saga: bank_transfer")).toEqual({
    kind: "saga",
    id: "saga0",
    saga: "bank_transfer",
    with: literal({}),
    catch: [],
  });
});

test("sleep: a duration, or until a date", () => {
  expect(stepOf("- sleep: 3d")).toEqual({ kind: "sleep", id: "sleep0", forMs: 259_200_000 });
  expect(stepOf("- sleep: { until: 2027-01-31 }")).toEqual({
    kind: "sleep",
    id: "sleep0",
    until: literal("2027-01-31"),
  });
  expect(stepOf('- sleep: { until: "${ input.day }T09:00:00Z" }')).toEqual({
    kind: "sleep",
    id: "sleep0",
    until: { kind: "text", parts: [{ source: "input.day" }, "T09:00:00Z"] },
  });
});

test("set: names and their values", () => {
  expect(stepOf("- set:\n    total: ${ input.amount }\n    kind: new")).toEqual({
    kind: "set",
    id: "set0",
    values: { total: expression("input.amount"), kind: literal("new") },
  });
});

test("end: an outcome, with an output if the saga's own does not fit", () => {
  expect(stepOf("- end: nothing_to_do")).toEqual({ kind: "end", id: "end0", outcome: "nothing_to_do" });
  expect(stepOf("- if: input.empty\n  end: { outcome: nothing_to_do, output: { paid: 0 } }")).toEqual({
    kind: "end",
    id: "end0",
    if: { source: "input.empty" },
    outcome: "nothing_to_do",
    output: { kind: "object", entries: { paid: literal(0) } },
  });
});

test("wait: takes only the signal that matches", () => {
  expect(stepOf("- wait: paid\n  match: signal.no == input.no")).toEqual({
    kind: "wait",
    id: "wait0",
    signal: "paid",
    match: { source: "signal.no == input.no" },
    catch: [],
  });
});

test("compensate: a list of steps is retried as a compensation is, whatever the defaults say", () => {
  const told = { kind: "command", id: "tell", name: "tell", command: "notification.mail", with: literal({}) };
  const steps = [
    { kind: "set", id: "set0", values: { why: literal("undone") } },
    { ...told, timeoutMs: 30_000, retry: { ...retry, attempts: 10 }, catch: [], pivot: false },
  ];
  const list = "- set: { why: undone }\n- step: tell\n  command: notification.mail";
  const step = (compensate: string) =>
    (stepOf(`- step: pay\n  command: payment.transfer\n  compensate:\n${compensate}`) as { compensate: unknown })
      .compensate;

  expect(step(list.replace(/^/gm, "    "))).toEqual({ kind: "steps", steps, optional: false });
  expect(step(`    optional: true\n    steps:\n${list.replace(/^/gm, "      ")}`)).toEqual({
    kind: "steps",
    steps,
    optional: true,
  });
});

test("a saga's own deadline, start and schedule", () => {
  const head = "saga: sample\nversion: 1\nsteps: []\n";
  const { deadlineMs, start, schedule } = parsed(
    `${head}deadline: 3d\nstart:\n  topic: shop.orders\n  if: event.kind == 'new'\n  input: \${ event.order }\nschedule: 0 3 * * *\n`,
  );

  expect(withoutPlaces({ deadlineMs, start, schedule })).toEqual({
    deadlineMs: 259_200_000,
    start: { topic: "shop.orders", if: { source: "event.kind == 'new'" }, input: expression("event.order") },
    schedule: { cron: "0 3 * * *", timezone: "UTC", overlap: "skip", input: literal({}) },
  });
  expect(
    withoutPlaces(
      parsed(
        `${head}schedule: { cron: "0 3 1 * *", timezone: Asia/Tokyo, overlap: queue, input: { month: "\${ schedule.at }" } }\n`,
      ).schedule,
    ),
  ).toEqual({
    cron: "0 3 1 * *",
    timezone: "Asia/Tokyo",
    overlap: "queue",
    input: { kind: "object", entries: { month: expression("schedule.at") } },
  });
});

test("cases are told apart in paths, also one that is called as another's place or as the else", () => {
  const yaml = "- choose: input.kind\n  cases: { A B: [], case0: [], else: [], x: [] }\n  else: []";
  const { branches } = stepOf(yaml) as { branches: { id: string }[] };

  expect(branches.map(({ id }) => id)).toEqual(["case0_", "case0", "case2", "x"]);
});
