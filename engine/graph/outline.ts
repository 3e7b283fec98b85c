import type { Catch, Compensation, Definition, Expression, Step, Template } from "../core/definition.ts";
import { branchPath, pathOf } from "../core/path.ts";

/** What a node looks like. */
export type NodeKind = Step["kind"] | "start" | "completed" | "if" | "join" | "undo";

/** A node of the picture; the first line is its title. */
export interface GraphNode {
  readonly kind: NodeKind;
  readonly lines: readonly string[];
  readonly pivot: boolean;
  /** Path of the step, without the numbers of items: `ship[]/pack`. Of an `undo`, of the step that it undoes. */
  readonly path?: string;
}

/** A way that leaves a node, with the items on it. Empty: it only goes on. */
export interface Branch {
  readonly label: string;
  readonly items: readonly Item[];
}

/** A step with all that hangs on it. */
export interface Item {
  readonly node: GraphNode;
  /** How it is undone. */
  readonly undo?: GraphNode;
  /** Ways out when it does not end well. */
  readonly catches: readonly Branch[];
  /** Ways that it opens; behind them it goes on. */
  readonly branches: readonly Branch[];
  /** Where the ways of a block come together. */
  readonly join?: GraphNode;
  /** Nothing comes behind it. */
  readonly ends: boolean;
}

/** A definition as a picture has it: from top to bottom, ways beside each other. */
export interface Outline {
  readonly start: GraphNode;
  readonly items: readonly Item[];
  readonly completed: GraphNode;
}

/** What a picture of a definition shows. */
export function outlineOf(definition: Definition): Outline {
  const { name, version, steps, deadlineMs } = definition;
  const deadline = deadlineMs === undefined ? [] : [`deadline ${duration(deadlineMs)}`];
  return {
    start: node("start", [name, `version ${version}`, ...startsOf(definition), ...deadline]),
    items: itemsOf(steps, ""),
    completed: node("completed", ["completed"]),
  };
}

function startsOf({ start, schedule }: Definition): string[] {
  return [
    ...(start === undefined ? [] : [`starts on ${start.topic}`]),
    ...(schedule === undefined ? [] : [`starts at ${schedule.cron} ${schedule.timezone}`]),
  ];
}

function itemsOf(steps: readonly Step[], prefix: string): readonly Item[] {
  return steps.map((step) => {
    const path = pathOf(prefix, step.id);
    const item = withPath(itemOf(step, path), path);
    return step.if === undefined ? item : conditional(step.if, item);
  });
}

function withPath(item: Item, path: string): Item {
  const { node, undo } = item;
  return { ...item, node: { ...node, path }, ...(undo === undefined ? {} : { undo: { ...undo, path } }) };
}

function conditional(condition: Expression, item: Item): Item {
  const branches = [
    { label: "yes", items: [item] },
    { label: "no", items: [] },
  ];
  return { ...plain(node("if", [condition.source])), branches };
}

function itemOf(step: Step, path: string): Item {
  switch (step.kind) {
    case "command":
      return { ...withCatch(step, path, titled(step, step.command)), ...undone(step.compensate) };
    case "notify":
      return plain(node("notify", titled(step, `notify ${step.command}`)));
    case "wait":
      return withCatch(step, path, titled(step, `wait for ${step.signal}`));
    case "sleep":
      return plain(node("sleep", titled(step, sleepText(step))));
    case "set":
      return plain(node("set", titled(step, `set ${Object.keys(step.values).join(", ")}`)));
    case "saga":
      return { ...withCatch(step, path, titled(step, `saga ${step.saga}`)), ...undone(step.compensate) };
    case "fail":
      return { ...plain(node("fail", titled(step, `fail ${step.code}`))), ends: true };
    case "end":
      return { ...plain(node("end", titled(step, `end ${step.outcome}`))), ends: true };
    case "choose":
      return {
        ...plain(node("choose", titled(step, step.subject?.source ?? "choose"))),
        branches: casesOf(step, path),
      };
    case "parallel":
    case "each":
      return blockOf(step, path);
  }
}

/** The step's name above what it does. */
function titled(step: Step, what: string): readonly string[] {
  return step.name === undefined ? [what] : [step.name, what];
}

function withCatch(
  step: Step & { readonly deadlineMs?: number; readonly catch: readonly Catch[] },
  path: string,
  lines: readonly string[],
): Item {
  const deadline = step.deadlineMs === undefined ? [] : [`deadline ${duration(step.deadlineMs)}`];
  const pivot = step.kind === "command" && step.pivot;
  const told = pivot ? ["pivot: from here forward only"] : [];
  const catches = step.catch.map(({ code, steps }) => ({
    label: `catch ${code}`,
    items: itemsOf(steps, branchPath(path, `catch/${code}`)),
  }));
  return { ...plain({ kind: step.kind, lines: [...lines, ...deadline, ...told], pivot }), catches };
}

function undone(compensation: Compensation | undefined): { readonly undo?: GraphNode } {
  if (compensation === undefined) return {};
  const optional = compensation.optional ? ["optional"] : [];
  if (compensation.kind !== "steps") return { undo: node("undo", [compensation.command, ...optional]) };
  return { undo: node("undo", [...compensation.steps.map((step) => step.name ?? whatOf(step)), ...optional]) };
}

function whatOf(step: Step): string {
  return step.kind === "command" || step.kind === "notify" ? step.command : step.kind;
}

function casesOf(step: Extract<Step, { kind: "choose" }>, path: string): readonly Branch[] {
  const cases = step.branches.map(({ id, equals, when, steps }) => {
    const value = typeof equals === "string" || equals === undefined ? equals : JSON.stringify(equals);
    return { label: when?.source ?? value ?? id, items: itemsOf(steps, branchPath(path, id)) };
  });
  return step.else === undefined
    ? cases
    : [...cases, { label: "else", items: itemsOf(step.else, branchPath(path, "else")) }];
}

function blockOf(step: Extract<Step, { kind: "parallel" | "each" }>, path: string): Item {
  const { kind, name } = step;
  const all = kind === "each" || step.join === "all";
  const join = node("join", [kind === "each" ? "all items" : all ? "all" : "the first, others are undone"]);
  const what = kind === "each" ? `each ${step.as} in ${step.in.source}` : "parallel";
  const branches =
    kind === "each"
      ? [
          {
            label: step.concurrency === 1 ? "one by one" : `${step.concurrency} at once`,
            items: itemsOf(step.steps, branchPath(path, "[]")),
          },
        ]
      : step.branches.map(({ id, steps }) => ({ label: id, items: itemsOf(steps, branchPath(path, id)) }));
  return { ...withCatch(step, path, name === undefined ? [what] : [name, what]), branches, join };
}

function sleepText({ forMs, until }: Extract<Step, { kind: "sleep" }>): string {
  return forMs === undefined ? `sleep until ${textOf(until)}` : `sleep ${duration(forMs)}`;
}

function textOf(template: Template | undefined): string {
  if (template?.kind === "expression") return template.expression.source;
  return template?.kind === "literal" ? String(template.value) : "a date";
}

function plain(it: GraphNode): Item {
  return { node: it, catches: [], branches: [], ends: false };
}

function node(kind: NodeKind, lines: readonly string[]): GraphNode {
  return { kind, lines, pivot: false };
}

/** `3d` of milliseconds. */
function duration(ms: number): string {
  const unit = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ].find(([, length]) => ms % Number(length) === 0);
  return unit === undefined ? `${ms}ms` : `${ms / Number(unit[1])}${unit[0]}`;
}
