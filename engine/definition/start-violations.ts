import type { Definition, Step, Template } from "../core/definition.ts";
import type { DomainCatalog, Problem } from "../core/domain.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { pointerTo, violations } from "../core/shape.ts";
import { everyStep } from "./blocks.ts";

/**
 * Why a saga cannot start with this input: against the definition's own shape, and, where a step hands a part of it on
 * unchanged, against that handler's schema. A job title that screening does not know is then a 422 with its path, not a
 * parked saga. Steps that may not run (`if`, branches, `catch`) are left out: their demands may not apply.
 */
export function startViolations(definition: Definition, input: unknown, catalog: DomainCatalog | null): Problem[] {
  const own = violations(definition.input, input);
  if (own.length > 0 || catalog === null) return own;
  const found = new Map<string, Problem>();
  for (const step of runAnyway(definition.steps)) {
    for (const problem of stepProblems(step, input as Json, catalog))
      found.set(`${problem.path} ${problem.message}`, problem);
  }
  return [...found.values()];
}

/** The steps of a block and those of branches that all run, up to where the saga may end well before its last step. */
function* runAnyway(steps: readonly Step[]): Generator<Step> {
  for (const step of steps) {
    if ([...everyStep([step])].some(({ kind }) => kind === "end")) return;
    yield step;
    if (step.kind !== "parallel" || step.join !== "all" || step.if !== undefined) continue;
    for (const branch of step.branches) yield* runAnyway(branch.steps);
  }
}

function stepProblems(step: Step, input: Json, catalog: DomainCatalog): readonly Problem[] {
  if ((step.kind !== "command" && step.kind !== "notify") || step.if !== undefined) return [];
  const action = catalog.actions.get(step.command);
  const handed = handedOn(step.with, input, "");
  if (action === undefined || handed.parts.length === 0) return [];
  const parsed = action.input.parse(handed.value);
  return parsed.ok ? [] : parsed.problems.flatMap((problem) => mappedBack(problem, handed.parts, step.command));
}

/** A part of the handler's input that is a part of the start input, both as JSON pointers. */
interface Part {
  readonly at: string;
  readonly from: string;
}

interface Handed {
  /** The handler's input as far as it is known; the rest is null, and problems there are ignored. */
  readonly value: Json;
  readonly parts: readonly Part[];
}

const PLAIN_PATH = /^input((?:\.[A-Za-z_][A-Za-z0-9_]*)*)$/;

function handedOn(template: Template, input: Json, at: string): Handed {
  if (template.kind === "literal") return { value: template.value, parts: [] };
  if (template.kind === "expression") return handedPath(template.expression.source, input, at);
  if (template.kind !== "object") return { value: null, parts: [] };
  const value: Record<string, Json> = {};
  const parts: Part[] = [];
  for (const [name, entry] of Object.entries(template.entries)) {
    const handed = handedOn(entry, input, pointerTo(at, name));
    value[name] = handed.value;
    parts.push(...handed.parts);
  }
  return { value, parts };
}

function handedPath(source: string, input: Json, at: string): Handed {
  const match = PLAIN_PATH.exec(source);
  if (match === null) return { value: null, parts: [] };
  let value: Json | undefined = input;
  let from = "";
  for (const name of (match[1] ?? "").split(".").slice(1)) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    from = pointerTo(from, name);
  }
  // An optional field that is absent fails at run time anyway, with the expression's own position.
  return value === undefined ? { value: null, parts: [] } : { value, parts: [{ at, from }] };
}

/** Only problems inside a part that came from the input unchanged are the caller's. */
function mappedBack(problem: Problem, parts: readonly Part[], command: string): readonly Problem[] {
  const part = parts.find(({ at }) => problem.path === at || problem.path.startsWith(`${at}/`));
  if (part === undefined) return [];
  return [{ path: part.from + problem.path.slice(part.at.length), message: `${problem.message} (${command})` }];
}
