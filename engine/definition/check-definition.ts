import type { Definition, Position, SetStep, Step } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { everyStep, insideEach } from "./blocks.ts";
import {
  type CheckContext,
  checkTextTemplate,
  type Children,
  keyPosition,
  type Place,
  typeOfTemplate,
} from "./check-context.ts";
import { checkStarts } from "./check-starts.ts";
import { checkSteps } from "./check-steps.ts";
import { Findings } from "./findings.ts";
import { type Flow, joined, START } from "./flow.ts";
import { Marks } from "./marks.ts";
import { suggestOrList } from "./suggest.ts";
import { ANY, couldBe, NULL, typeOfShape, unionOf, type ValueType } from "./value-type.ts";

/** What the checks know besides the file: handlers, and the other definitions. */
export interface Knowledge {
  /** Null: commands are not checked against handlers. */
  readonly catalog: DomainCatalog | null;
  /** Null: children are not checked. */
  readonly definitions: ReadonlyMap<string, Definition> | null;
}

/** All checks that need more than the shape of the file: names, types, order, pivots, handlers. */
export function checkDefinition(definition: Definition, knowledge: Knowledge, findings: Findings, marks: Marks): void {
  const { catalog, definitions } = knowledge;
  // What is being checked is newer than what the others know of it.
  const known = definitions === null ? null : new Map([...definitions, [definition.name, definition] as const]);
  checkWith(definition, catalog, { definitions: known, outputs: new Map() }, findings, marks);
}

/** The type of a definition's output; whatever is wrong in it is said where it is checked itself. */
export function typeOfOutput(definition: Definition, catalog: DomainCatalog | null, children: Children): ValueType {
  const known = children.outputs.get(definition.name);
  if (known !== undefined) return known;
  // A child that starts itself is an error of its own; here it must only come to an end.
  children.outputs.set(definition.name, ANY);
  const type = checkWith(definition, catalog, children, new Findings(), new Marks());
  children.outputs.set(definition.name, type);
  return type;
}

function checkWith(
  definition: Definition,
  catalog: DomainCatalog | null,
  children: Children,
  findings: Findings,
  marks: Marks,
): ValueType {
  const steps = [...everyStep(definition.steps)];
  const check: CheckContext = {
    ...{ findings, marks, catalog, children },
    name: definition.name,
    input: typeOfShape(definition.input),
    named: new Map(steps.flatMap((step) => (step.name === undefined ? [] : [[step.name, step] as const]))),
    repeated: new Map(insideEach(definition.steps)),
    sets: setsOf(steps),
    outputs: new Map(),
    results: new Map(),
    ends: [],
  };
  const top = (key: string): Position => keyPosition(check, definition, key, { line: 1, column: 1 });
  const atStart: Place = { flow: START };
  checkStarts(check, definition, top);
  if (definition.key !== undefined) checkTextTemplate(check, definition.key, atStart, top("key"));
  for (const label of Object.values(definition.labels)) checkTextTemplate(check, label, atStart, top("labels"));
  const last = checkSteps(check, definition.steps, START, { names: {}, outermost: true });
  const output = outputType(check, definition, last);
  for (const path of definition.sensitive)
    checkPath(check, path, marks.ofKey(definition.sensitive, path, top("sensitive")));
  return unionOf([output, ...check.ends.flatMap((end) => end.output ?? [])]);
}

/** `output` is for every way to the end but that of an `end` with an output of its own. */
function outputType(check: CheckContext, definition: Definition, last: Flow | null): ValueType {
  if (definition.output === undefined) return NULL;
  const ends = check.ends.filter((end) => end.output === undefined).map((end) => end.flow);
  return typeOfTemplate(check, definition.output, { flow: joined([last, ...ends]) ?? START });
}

/** Every `set` by the names that it writes. */
function setsOf(steps: readonly Step[]): ReadonlyMap<string, readonly SetStep[]> {
  const sets = new Map<string, SetStep[]>();
  for (const step of steps) {
    if (step.kind !== "set") continue;
    for (const name of Object.keys(step.values)) sets.set(name, [...(sets.get(name) ?? []), step]);
  }
  return sets;
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
      hint:
        check.outputs.size === 0
          ? "No step of this file has a name and an output."
          : suggestOrList(rest[0] ?? "", check.outputs.keys()),
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
