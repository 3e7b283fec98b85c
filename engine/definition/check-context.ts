import type {
  CommandStep,
  Definition,
  EachStep,
  Expression,
  Position,
  SagaStep,
  SetStep,
  Step,
  Template,
  WaitStep,
} from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { DiagnosticCode } from "./diagnostic-codes.ts";
import type { Findings } from "./findings.ts";
import { parseExpression } from "./expression.ts";
import { type ExpressionNode, ExpressionSyntaxError } from "./expression-node.ts";
import { provenBy, typeOfNode } from "./expression-type.ts";
import type { Flow } from "./flow.ts";
import type { Marks } from "./marks.ts";
import type { Sight, TypeEnvironment } from "./type-environment.ts";
import {
  ANY,
  closedObject,
  couldBe,
  describeType,
  NULL,
  STRING,
  typeOfJson,
  unionOf,
  type ValueType,
  WHOLE,
} from "./value-type.ts";

/** What all checks share. */
export interface CheckContext {
  /** Of the definition. */
  readonly name: string;
  readonly findings: Findings;
  readonly marks: Marks;
  /** Null: commands are not checked against handlers. */
  readonly catalog: DomainCatalog | null;
  readonly input: ValueType;
  /** Every named step of the file. */
  readonly named: ReadonlyMap<string, Step>;
  /** Steps inside an `each`, with the innermost one. */
  readonly repeated: ReadonlyMap<Step, EachStep>;
  /** Every `set` of the file, by the names that it writes. */
  readonly sets: ReadonlyMap<string, readonly SetStep[]>;
  readonly children: Children;
  /** The `end` steps, filled as the checks walk: the flow that leads there, and the type of their own output. */
  readonly ends: { readonly flow: Flow; readonly output: ValueType | undefined }[];
  /** Output types of the steps, filled as the checks walk; `sensitive` reads it. */
  readonly outputs: Map<string, ValueType>;
  /** The same by step, for those without a name too: the last step of an `each` needs none. */
  readonly results: Map<Step, ValueType>;
}

/** The other definitions, for `saga` steps. */
export interface Children {
  /** Null: children are not checked. */
  readonly definitions: ReadonlyMap<string, Definition> | null;
  /** Types of their outputs, as far as they were needed. */
  readonly outputs: Map<string, ValueType>;
}

/** Where an expression stands: the flow that leads there, the names beside `input`, `steps` and `saga`. */
export interface Place {
  readonly flow: Flow;
  readonly names?: Readonly<Record<string, ValueType>>;
  /** No saga is there yet: nothing but `names` can be read. */
  readonly bare?: boolean;
  /** The step that the expression belongs to; its own output is not there yet. */
  readonly own?: {
    readonly name: string | undefined;
    readonly code: DiagnosticCode;
    readonly message: string;
    readonly hint: string;
  };
}

const SAGA: ValueType = closedObject({
  id: STRING,
  key: unionOf([STRING, NULL]),
  version: WHOLE,
  startedAt: STRING,
  now: STRING,
});
/** `error` in a `catch`. */
export const ERROR: ValueType = closedObject({ code: STRING, message: STRING, step: STRING });

/** Parses and types an expression; reports what is wrong with it, once. */
export function typeOfExpression(check: CheckContext, expression: Expression, place: Place): ValueType {
  const node = nodeOf(check, expression);
  return node === undefined ? ANY : typeOfNode(node, environmentOf(check, expression, place));
}

/** Paths that surely exist where the condition came out as `truth`. */
export function provenByExpression(expression: Expression, truth: boolean): ReadonlySet<string> {
  try {
    return provenBy(parseExpression(expression.source), truth);
  } catch (error) {
    if (error instanceof ExpressionSyntaxError) return new Set();
    throw error;
  }
}

function nodeOf(check: CheckContext, expression: Expression): ExpressionNode | undefined {
  try {
    return parseExpression(expression.source);
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    check.findings.error(error.code, check.marks.inside(expression, error.at), error.message, error.hint);
    return undefined;
  }
}

function environmentOf(check: CheckContext, expression: Expression, place: Place): TypeEnvironment {
  const bare = place.bare === true;
  const saga: readonly (readonly [string, ValueType])[] = bare
    ? []
    : Object.entries({ input: check.input, saga: SAGA });
  return {
    names: new Map([...saga, ...Object.entries(place.names ?? {})]),
    bare,
    lookStep: (name) => stepSight(check, place, name),
    stepNames: check.named.keys(),
    lookVar: (name) => varSight(check, place, name),
    varNames: check.sets.keys(),
    proven: place.flow.proven,
    warn: (code, at, message, hint) => check.findings.warning(code, check.marks.inside(expression, at), message, hint),
    report: (code, at, message, hint) => check.findings.error(code, check.marks.inside(expression, at), message, hint),
  };
}

function varSight(check: CheckContext, place: Place, name: string): Sight | undefined {
  const known = place.flow.vars.get(name);
  const [written] = check.sets.get(name) ?? [];
  if (known !== undefined || written === undefined) return known;
  if (check.repeated.has(written)) {
    const message = `\`vars.${name}\` is written once for each item: it is read only inside its \`each\``;
    return { state: "unreadable", code: "definition.var-not-set", message, hint: "Return it as the item's output." };
  }
  const message = `\`vars.${name}\` has not been written here`;
  const hint = `The \`set\` at line ${written.at.line} writes it; only what was written before can be read.`;
  return { state: "unreadable", code: "definition.var-not-set", message, hint };
}

function stepSight(check: CheckContext, place: Place, name: string): Sight | undefined {
  const known = place.flow.steps.get(name);
  if (known !== undefined) return known;
  const step = check.named.get(name);
  if (step === undefined) return undefined;
  if (place.own !== undefined && place.own.name === name) return { state: "unreadable", ...place.own };
  if (!hasOutput(step)) {
    const hint = "Only a `command`, a `wait`, a `saga` and an `each` have an output.";
    return {
      state: "unreadable",
      code: "definition.unknown-name",
      message: `the step \`${name}\` has no output`,
      hint,
    };
  }
  const block = check.repeated.get(step);
  if (block !== undefined && !place.flow.steps.has(name)) {
    const message = `the step \`${name}\` runs once for each item: it is read only inside its \`each\``;
    const hint = block.name === undefined ? EACH_HINT : `Read the list of outputs: steps.${block.name}.`;
    return { state: "unreadable", code: "definition.step-not-run", message, hint };
  }
  const message = `the step \`${name}\` has not run here`;
  const hint = `It stands at line ${step.at.line}; only steps that ran before can be read.`;
  return { state: "unreadable", code: "definition.step-not-run", message, hint };
}

const EACH_HINT = "Name the `each`, and read the list of outputs as steps.that_name.";

/** Keeps the type of a step's output for whoever reads it. */
export function keepType(check: CheckContext, step: Step, type: ValueType): void {
  check.results.set(step, type);
  if (step.name !== undefined) check.outputs.set(step.name, type);
}

/** Whether `steps.<name>` can be read at all. */
export function hasOutput(step: Step): step is CommandStep | WaitStep | SagaStep | EachStep {
  return step.kind === "command" || step.kind === "wait" || step.kind === "saga" || step.kind === "each";
}

/** The type of a whole template. */
export function typeOfTemplate(check: CheckContext, template: Template, place: Place): ValueType {
  switch (template.kind) {
    case "literal":
      return typeOfJson(template.value);
    case "expression":
      return typeOfExpression(check, template.expression, place);
    case "text":
      for (const part of template.parts) if (typeof part !== "string") checkText(check, part, place);
      return STRING;
    case "list":
      return { kind: "list", item: unionOf(template.items.map((item) => typeOfTemplate(check, item, place))) };
    case "object": {
      const fields = Object.entries(template.entries).map(
        ([name, entry]) => [name, { type: typeOfTemplate(check, entry, place), optional: false }] as const,
      );
      return { kind: "object", open: false, fields: new Map(fields) };
    }
  }
}

/** An expression whose value is joined into text. */
function checkText(check: CheckContext, expression: Expression, place: Place): void {
  const type = typeOfExpression(check, expression, place);
  if (couldBe(type, "string", "number", "boolean")) return;
  const hint = "Only text, numbers and booleans can be joined to text.";
  check.findings.error(
    "definition.expression-type",
    expression.at,
    `${describeType(type)} cannot be put into text`,
    hint,
  );
}

/** `key`, labels and a failure's message: their whole value becomes text. `at`: where a template without a place is. */
export function checkTextTemplate(check: CheckContext, template: Template, place: Place, at: Position): void {
  const type = typeOfTemplate(check, template, place);
  if (couldBe(type, "string", "number", "boolean")) return;
  const where = template.kind === "expression" ? template.expression.at : check.marks.of(template, at);
  const hint = "Write text or one ${ expression } that gives text, a number or a boolean.";
  check.findings.error("definition.expression-type", where, `this must be text, is ${describeType(type)}`, hint);
}

/** `if` and `when`. */
export function checkCondition(check: CheckContext, expression: Expression, place: Place, what: string): void {
  const type = typeOfExpression(check, expression, place);
  if (couldBe(type, "boolean")) return;
  const hint = "Compare it with something: == != < >, or ask has(…).";
  check.findings.error(
    "definition.not-boolean",
    expression.at,
    `${what} must be true or false, is ${describeType(type)}`,
    hint,
  );
}

/** Where a key's value of a step stands. */
export function keyPosition(check: CheckContext, object: object, key: string, otherwise: Position): Position {
  return check.marks.ofKey(object, key, otherwise);
}
