import type { Compensation, Definition, EachStep, ParallelStep, SagaStep, Step } from "./definition.ts";

/** A branch that a path lies in: of which block, and which one. */
export interface Lane {
  /** Path of the block. */
  readonly block: string;
  /** Path of the branch: `announce/mail`, `ship[3]`. */
  readonly branch: string;
  readonly step: ParallelStep | EachStep;
  /** Number of the item, of an `each`. */
  readonly item?: number;
}

/** A step of the definition, and after how many segments of its path a branch begins. */
interface Place {
  readonly step: Step;
  readonly lanes: readonly { readonly segments: number; readonly step: ParallelStep | EachStep }[];
}

const placesOf = new WeakMap<Definition, ReadonlyMap<string, Place>>();

function places(definition: Definition): ReadonlyMap<string, Place> {
  let known = placesOf.get(definition);
  if (known === undefined) {
    known = new Map(placesIn(definition.steps, "", []));
    placesOf.set(definition, known);
  }
  return known;
}

/** The step at a path (`apply`, `choose2/manual_review/review`, `ship[3]/pack`, `apply/catch/rejected/note`). */
export function stepAt(definition: Definition, path: string): Step | undefined {
  return placeAt(definition, path)?.step;
}

function placeAt(definition: Definition, path: string): Place | undefined {
  return places(definition).get(numberless(path));
}

/** A path as the definition knows it: the same for every item of an `each`. */
export function numberless(path: string): string {
  return path.replaceAll(/\[\d+\]/g, "[]");
}

const stepsOf = new WeakMap<Definition, ReadonlyMap<string, Step>>();

/** Every step of a definition, those inside blocks included, by path; an item's number is left out: `ship[]/pack`. */
export function allSteps(definition: Definition): ReadonlyMap<string, Step> {
  let known = stepsOf.get(definition);
  if (known === undefined) {
    known = new Map([...places(definition)].map(([path, { step }]) => [path, step]));
    stepsOf.set(definition, known);
  }
  return known;
}

/** The branches around a path, outermost first. */
export function lanesAt(definition: Definition, path: string): readonly Lane[] {
  const place = placeAt(definition, path);
  if (place === undefined || place.lanes.length === 0) return [];
  const segments = path.split("/");
  return place.lanes.map(({ segments: count, step }) => {
    const branch = segments.slice(0, count).join("/");
    if (step.kind === "parallel") return { block: segments.slice(0, count - 1).join("/"), branch, step };
    const bracket = branch.lastIndexOf("[");
    return { block: branch.slice(0, bracket), branch, step, item: Number(branch.slice(bracket + 1, -1)) };
  });
}

/** Path of a step below a prefix; the prefix is empty at the top. */
export function pathOf(prefix: string, id: string): string {
  return prefix === "" ? id : `${prefix}/${id}`;
}

/** Path of a branch: items stand in brackets behind their step, everything else below it. */
export function branchPath(path: string, branch: string): string {
  return branch.startsWith("[") ? `${path}${branch}` : `${path}/${branch}`;
}

/** Whether a path lies inside a branch or a block; everything lies inside the empty one. */
export function isInside(path: string, scope: string): boolean {
  return scope === "" || path.startsWith(`${scope}/`) || path.startsWith(`${scope}[`);
}

/** Steps of a block named by its path segments below a step: a `choose` branch, `else`, `[3]`, or `catch/<code>`. */
export function blockOf(step: Step, branch: string): readonly Step[] {
  const name = branch.startsWith("[") ? "[]" : branch;
  return blocksOf(step).find((block) => block.name === name)?.steps ?? [];
}

/** The steps that undo a step, when a command on its own topic does not. */
export function compensationSteps(step: Step, compensation: Compensation): readonly Step[] {
  if (compensation.kind === "steps") return compensation.steps;
  // A child has no topic and no guard of its own, so a single command is a list of one.
  const { command, timeoutMs, retry, with: template } = compensation;
  const input = template ?? (step as SagaStep).with;
  return [
    { kind: "command", id: "undo", at: step.at, command, with: input, timeoutMs, retry, catch: [], pivot: false },
  ];
}

interface Block {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Its branches run beside one another. */
  readonly lane?: ParallelStep | EachStep;
}

function blocksOf(step: Step): readonly Block[] {
  switch (step.kind) {
    case "command":
    case "saga":
      return [...catches(step.catch), ...undoing(step)];
    case "wait":
      return catches(step.catch);
    case "parallel":
      return [...step.branches.map(({ id, steps }) => ({ name: id, steps, lane: step })), ...catches(step.catch)];
    case "each":
      return [{ name: "[]", steps: step.steps, lane: step }, ...catches(step.catch)];
    case "choose": {
      const branches = step.branches.map(({ id, steps }) => ({ name: id, steps }));
      return step.else === undefined ? branches : [...branches, { name: "else", steps: step.else }];
    }
    case "notify":
    case "fail":
    case "sleep":
    case "set":
    case "end":
      return [];
  }
}

function catches(entries: readonly { readonly code: string; readonly steps: readonly Step[] }[]): Block[] {
  return entries.map(({ code, steps }) => ({ name: `catch/${code}`, steps }));
}

function undoing(step: Extract<Step, { kind: "command" | "saga" }>): Block[] {
  const { compensate } = step;
  if (compensate === undefined || (step.kind === "command" && compensate.kind === "command")) return [];
  return [{ name: "compensate", steps: compensationSteps(step, compensate) }];
}

function placesIn(steps: readonly Step[], prefix: string, lanes: Place["lanes"]): (readonly [string, Place])[] {
  return steps.flatMap((step) => {
    const path = pathOf(prefix, step.id);
    const inside = blocksOf(step).flatMap((block) => {
      const below = branchPath(path, block.name);
      const { lane } = block;
      const more = lane === undefined ? lanes : [...lanes, { segments: below.split("/").length, step: lane }];
      return placesIn(block.steps, below, more);
    });
    return [[path, { step, lanes }] as const, ...inside];
  });
}

/** Identity of a step across attempts: `sagaId/path`. */
export function stepKey(sagaId: string, path: string): string {
  return `${sagaId}/${path}`;
}

/** The path inside a step key; null when the key is not of this saga. */
export function pathIn(sagaId: string, key: string): string | null {
  return key.startsWith(`${sagaId}/`) ? key.slice(sagaId.length + 1) : null;
}
