import type { Catch, Definition, Position, Step } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { type CheckContext, checkTextTemplate, keyPosition, type Place, typeOfTemplate } from "./check-context.ts";
import { checkSteps } from "./check-steps.ts";
import type { Findings } from "./findings.ts";
import { START } from "./flow.ts";
import type { Marks } from "./marks.ts";
import { suggestOrList } from "./suggest.ts";
import { couldBe, typeOfShape, type ValueType } from "./value-type.ts";

/** All checks that need more than the shape of the file: names, types, order, pivots, handlers. */
export function checkDefinition(
  definition: Definition,
  catalog: DomainCatalog | null,
  findings: Findings,
  marks: Marks,
): void {
  const named = new Map(namedSteps(definition.steps));
  const check: CheckContext = {
    findings,
    marks,
    catalog,
    input: typeOfShape(definition.input),
    named,
    outputs: new Map(),
  };
  const top = (key: string): Position => keyPosition(check, definition, key, { line: 1, column: 1 });
  const atStart: Place = { flow: START };
  if (definition.key !== undefined) checkTextTemplate(check, definition.key, atStart, top("key"));
  for (const label of Object.values(definition.labels)) checkTextTemplate(check, label, atStart, top("labels"));
  const end = checkSteps(check, definition.steps, START, { names: {}, outermost: true });
  if (definition.output !== undefined) typeOfTemplate(check, definition.output, { flow: end ?? START });
  for (const path of definition.sensitive)
    checkPath(check, path, marks.ofKey(definition.sensitive, path, top("sensitive")));
}

function* namedSteps(steps: readonly Step[]): Generator<readonly [string, Step]> {
  for (const step of steps) {
    if (step.name !== undefined) yield [step.name, step];
    for (const block of blocksOf(step)) yield* namedSteps(block);
  }
}

function blocksOf(step: Step): readonly (readonly Step[])[] {
  switch (step.kind) {
    case "command":
    case "saga":
      return [...caughtBy(step), ...(step.compensate?.kind === "steps" ? [step.compensate.steps] : [])];
    case "wait":
      return caughtBy(step);
    case "choose":
      return [...step.branches.map((branch) => branch.steps), step.else ?? []];
    case "parallel":
      return [...step.branches.map((branch) => branch.steps), ...caughtBy(step)];
    case "each":
      return [step.steps, ...caughtBy(step)];
    case "notify":
    case "sleep":
    case "set":
    case "fail":
    case "end":
      return [];
  }
}

function caughtBy(step: { readonly catch: readonly Catch[] }): readonly (readonly Step[])[] {
  return step.catch.map((caught) => caught.steps);
}

/** A path of `sensitive` that names nothing would mask nothing, and nobody would notice. */
function checkPath(check: CheckContext, path: string, at: Position): void {
  const [root, ...rest] = path.split(".");
  const start = root === "input" ? { type: check.input, rest } : root === "steps" ? stepStart(check, rest) : undefined;
  const problem = start === undefined ? unknownStart(check, root ?? "", rest) : missingSegment(start.type, start.rest);
  if (problem !== undefined)
    check.findings.error("definition.unknown-path", at, `\`${path}\` names nothing: ${problem.message}`, problem.hint);
}

interface PathProblem {
  readonly message: string;
  readonly hint: string;
}

function stepStart(
  check: CheckContext,
  rest: readonly string[],
): { type: ValueType; rest: readonly string[] } | undefined {
  const type = check.outputs.get(rest[0] ?? "");
  return type === undefined ? undefined : { type, rest: rest.slice(1) };
}

function unknownStart(check: CheckContext, root: string, rest: readonly string[]): PathProblem {
  if (root === "steps") {
    return {
      message: `there is no output of a step \`${rest[0] ?? ""}\``,
      hint: suggestOrList(rest[0] ?? "", check.outputs.keys()),
    };
  }
  return {
    message: `a path begins with \`input\` or \`steps\``,
    hint: `Write input.${root} or steps.some_step.field.`,
  };
}

function missingSegment(type: ValueType, path: readonly string[]): PathProblem | undefined {
  const [name, ...rest] = path;
  if (name === undefined || couldBe(type, "any") || type.kind === "any") return undefined;
  if (couldBe(type, "list"))
    return { message: "it leads into a list", hint: "Name the list itself: all of it is masked." };
  const objects = (type.kind === "union" ? type.of : [type]).filter((each) => each.kind === "object");
  if (objects.some((each) => each.open)) return undefined;
  const fields = objects.map((each) => each.fields.get(name)).filter((field) => field !== undefined);
  const [field] = fields;
  if (field !== undefined) return missingSegment(field.type, rest);
  const known = objects.flatMap((each) => [...each.fields.keys()]);
  return {
    message: `there is no field \`${name}\``,
    hint: known.length === 0 ? "Name the value itself." : suggestOrList(name, known),
  };
}
