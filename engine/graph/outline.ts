import type { Catch, Compensation, Definition, Expression, Step, Template } from "../core/definition.ts";
import { branchPath, pathOf } from "../core/path.ts";
import { said, type Text, written } from "./words.ts";

/** What a node looks like. */
export type NodeKind = Step["kind"] | "start" | "completed" | "if" | "join" | "undo";

/** A node of the picture; the first line is its title. */
export interface GraphNode {
  readonly kind: NodeKind;
  readonly lines: readonly Text[];
  readonly pivot: boolean;
  /** Path of the step, without the numbers of items: `ship[]/pack`. Of an `undo`, of the step that it undoes. */
  readonly path?: string;
}

/** A way that leaves a node, with the items on it. Empty: it only goes on. */
export interface Branch {
  readonly label: Text;
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
  const deadline = deadlineMs === undefined ? [] : [said("deadline", duration(deadlineMs))];
  return {
    start: node("start", [written(name), said("version", `${version}`), ...startsOf(definition), ...deadline]),
    items: itemsOf(steps, ""),
    completed: node("completed", [said("completed")]),
  };
}

function startsOf({ start, schedule }: Definition): Text[] {
  return [
    ...(start === undefined ? [] : [said("startsOn", start.topic)]),
    ...(schedule === undefined ? [] : [said("startsAt", `${schedule.cron} ${schedule.timezone}`)]),
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
    { label: said("yes"), items: [item] },
    { label: said("no"), items: [] },
  ];
  return { ...plain(node("if", [written(condition.source)])), branches };
}

function itemOf(step: Step, path: string): Item {
  switch (step.kind) {
    case "command":
      return { ...withCatch(step, path, titled(step)), ...undone(step.compensate) };
    case "notify":
      return plain(node("notify", titled(step)));
    case "wait":
      return withCatch(step, path, titled(step));
    case "sleep":
      return plain(node("sleep", titled(step)));
    case "set":
      return plain(node("set", titled(step)));
    case "saga":
      return { ...withCatch(step, path, titled(step)), ...undone(step.compensate) };
    case "fail":
      return { ...plain(node("fail", titled(step))), ends: true };
    case "end":
      return { ...plain(node("end", titled(step))), ends: true };
    case "choose":
      return {
        ...plain(node("choose", titled(step))),
        branches: casesOf(step, path),
      };
    case "parallel":
    case "each":
      return blockOf(step, path);
  }
}

/** The step's name above what it does. */
function titled(step: Step): readonly Text[] {
  return step.name === undefined ? [whatOf(step)] : [written(step.name), whatOf(step)];
}

function whatOf(step: Step): Text {
  switch (step.kind) {
    case "command":
      return written(step.command);
    case "notify":
      return said("notify", step.command);
    case "wait":
      return said("wait", step.signal);
    case "sleep":
      return sleepOf(step);
    case "set":
      return said("set", Object.keys(step.values).join(", "));
    case "saga":
      return said("saga", step.saga);
    case "fail":
      return said("fail", step.code);
    case "end":
      return said("end", step.outcome);
    case "choose":
      return step.subject === undefined ? said("choose") : written(step.subject.source);
    case "parallel":
      return said("parallel");
    case "each":
      return said("each", `${step.as} in ${step.in.source}`);
  }
}

function withCatch(
  step: Step & { readonly deadlineMs?: number; readonly catch: readonly Catch[] },
  path: string,
  lines: readonly Text[],
): Item {
  const deadline = step.deadlineMs === undefined ? [] : [said("deadline", duration(step.deadlineMs))];
  const pivot = step.kind === "command" && step.pivot;
  const told = pivot ? [said("pivot")] : [];
  const catches = step.catch.map(({ code, steps }) => ({
    label: said("catch", code),
    items: itemsOf(steps, branchPath(path, `catch/${code}`)),
  }));
  return { ...plain({ kind: step.kind, lines: [...lines, ...deadline, ...told], pivot }), catches };
}

function undone(compensation: Compensation | undefined): { readonly undo?: GraphNode } {
  if (compensation === undefined) return {};
  const optional = compensation.optional ? [said("optional")] : [];
  if (compensation.kind !== "steps") return { undo: node("undo", [written(compensation.command), ...optional]) };
  const steps = compensation.steps.map((step) => (step.name === undefined ? whatOf(step) : written(step.name)));
  return { undo: node("undo", [...steps, ...optional]) };
}

function casesOf(step: Extract<Step, { kind: "choose" }>, path: string): readonly Branch[] {
  const cases = step.branches.map(({ id, equals, when, steps }) => {
    const value = typeof equals === "string" || equals === undefined ? equals : JSON.stringify(equals);
    return { label: written(when?.source ?? value ?? id), items: itemsOf(steps, branchPath(path, id)) };
  });
  return step.else === undefined
    ? cases
    : [...cases, { label: said("else"), items: itemsOf(step.else, branchPath(path, "else")) }];
}

function blockOf(step: Extract<Step, { kind: "parallel" | "each" }>, path: string): Item {
  const { kind } = step;
  const all = kind === "each" || step.join === "all";
  const join = node("join", [said(kind === "each" ? "allItems" : all ? "all" : "first")]);
  const branches =
    kind === "each"
      ? [
          {
            label: step.concurrency === 1 ? said("oneByOne") : said("atOnce", `${step.concurrency}`),
            items: itemsOf(step.steps, branchPath(path, "[]")),
          },
        ]
      : step.branches.map(({ id, steps }) => ({ label: written(id), items: itemsOf(steps, branchPath(path, id)) }));
  return { ...withCatch(step, path, titled(step)), branches, join };
}

function sleepOf({ forMs, until }: Extract<Step, { kind: "sleep" }>): Text {
  if (forMs !== undefined) return said("sleep", duration(forMs));
  const date = dateOf(until);
  return date === undefined ? said("sleepUntilDate") : said("sleepUntil", date);
}

function dateOf(template: Template | undefined): string | undefined {
  if (template?.kind === "expression") return template.expression.source;
  return template?.kind === "literal" ? String(template.value) : undefined;
}

function plain(it: GraphNode): Item {
  return { node: it, catches: [], branches: [], ends: false };
}

function node(kind: NodeKind, lines: readonly Text[]): GraphNode {
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
