import type { ExpressionNode } from "./expression-node.ts";
import { suggestOrList } from "./suggest.ts";
import type { Sight, TypeEnvironment } from "./type-environment.ts";
import { ANY, describeType, type FieldType, unionOf, type ValueType } from "./value-type.ts";

/** A field access: `target.name`, or `target['name']`. */
export interface FieldNode {
  readonly at: number;
  readonly target: ExpressionNode;
  readonly name: string;
}

const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["error", "`error` exists only in the steps of a `catch`."],
  ["result", "`result` exists only in a step's `output`."],
  ["signal", "`signal` exists only in the `match` and the `output` of a `wait`."],
  ["event", "`event` exists only in `start`."],
  ["schedule", "`schedule` exists only in the `input` of a `schedule`."],
]);

/** Names that only a saga gives a meaning. */
const OF_A_SAGA: ReadonlySet<string> = new Set(["input", "saga", "steps", "vars"]);

/** A name that stands alone: `input`, `saga`, a macro's variable. */
export function typeOfName(
  node: { readonly at: number; readonly name: string },
  environment: TypeEnvironment,
): ValueType {
  const type = environment.names.get(node.name);
  if (type !== undefined) return type;
  if ((node.name === "steps" || node.name === "vars") && !environment.bare) return ANY;
  const names = [...environment.names.keys(), ...(environment.bare ? [] : ["steps", "vars"])];
  const early = environment.bare && OF_A_SAGA.has(node.name) ? "No saga is there yet." : undefined;
  const hint = early ?? ELSEWHERE.get(node.name) ?? suggestOrList(node.name, names);
  environment.report(
    "definition.unknown-name",
    node.at,
    `there is no \`${node.name}\` here`,
    early === undefined ? `${hint}${textHint(node.name, names)}` : `${early} Known here: ${names.join(", ")}.`,
  );
  return ANY;
}

/** `status == approved` is the most common slip: the text lacks its quotes. */
function textHint(name: string, names: readonly string[]): string {
  return names.includes(name) || ELSEWHERE.has(name) ? "" : ` If it is a text, quote it: '${name}'.`;
}

/** `steps` and `vars`: names whose fields are there or not, depending on the place. */
export type Store = "steps" | "vars";

/** The store that a node names. */
export function storeOf(node: ExpressionNode, environment: TypeEnvironment): Store | undefined {
  if (node.kind !== "name" || environment.bare || environment.names.has(node.name)) return undefined;
  return node.name === "steps" || node.name === "vars" ? node.name : undefined;
}

/** What stands in a store under a name; undefined when the file never puts it there. */
export function lookUp(store: Store, name: string, environment: TypeEnvironment): Sight | undefined {
  return store === "steps" ? environment.lookStep(name) : environment.lookVar(name);
}

/** `steps.<name>`, `vars.<name>`. Reports one that cannot be read here. */
export function typeInStore(store: Store, name: string, at: number, environment: TypeEnvironment): ValueType {
  const sight = lookUp(store, name, environment);
  if (sight === undefined) {
    const message = store === "steps" ? `there is no step \`${name}\`` : `no \`set\` writes \`vars.${name}\``;
    const known = [...(store === "steps" ? environment.stepNames : environment.varNames)];
    const none = store === "steps" ? "No step of this file has a name." : "This file has no `set`.";
    const hint = known.length === 0 ? none : suggestOrList(name, known);
    environment.report("definition.unknown-name", at, message, hint);
    return ANY;
  }
  if (sight.state === "unreadable") {
    environment.report(sight.code, at, sight.message, sight.hint);
    return ANY;
  }
  if (sight.state === "maybe" && !environment.proven.has(`${store}.${name}`))
    reportMaybe(store, name, at, environment, sight.unseen === true);
  return sight.type;
}

function reportMaybe(store: Store, name: string, at: number, environment: TypeEnvironment, unseen: boolean): void {
  const ask = `Ask first: has(${store}.${name}) ? … : …`;
  if (unseen) {
    const message = `the output of \`${name}\` may be unknown when it is undone: a step whose end nobody saw is undone too`;
    environment.report("definition.compensate-reads-own-output", at, message, `${ask}.`);
  } else if (store === "vars") {
    const hint = `${ask}, or write it on every path.`;
    environment.report("definition.var-not-set", at, `\`vars.${name}\` may not have been written here`, hint);
  } else {
    const hint = `${ask}, or move this step to where \`${name}\` has run.`;
    environment.report("definition.step-may-not-have-run", at, `the step \`${name}\` may not have run here`, hint);
  }
}

/** The field's type; reports and gives undefined when no value of the target can have it. */
export function fieldOf(target: ValueType, node: FieldNode, environment: TypeEnvironment): FieldType | undefined {
  if (target.kind === "any") return undefined;
  const objects = (target.kind === "union" ? target.of : [target]).filter((each) => each.kind === "object");
  const found = objects.map((each) => each.fields.get(node.name)).filter((field) => field !== undefined);
  if (found.length > 0)
    return { type: unionOf(found.map((field) => field.type)), optional: found.some((field) => field.optional) };
  if (objects.some((each) => each.open) || (target.kind === "union" && target.of.some((each) => each.kind === "any")))
    return undefined;
  const code = isResult(node.target) ? "definition.unknown-output" : "definition.unknown-field";
  const names = objects.flatMap((each) => [...each.fields.keys()]);
  if (objects.length > 0) {
    const message = `there is no field \`${node.name}\` in ${written(node.target)}`;
    environment.report(code, node.at, message, suggestOrList(node.name, names));
  } else if (target.kind === "null" && isResult(node.target)) {
    environment.report(code, node.at, `${written(node.target)} has no result`, "The handler declares no output.");
  } else {
    const path = written(node.target).replaceAll("`", "");
    const list = `Take one item, ${path}[0], or all: ${path}.map(x, x.${node.name}).`;
    const hint = target.kind === "list" ? list : "Use the value itself.";
    environment.report(code, node.at, `${describeType(target)} has no field \`${node.name}\``, hint);
  }
  return undefined;
}

/** True below `steps.<name>` and `result`: what a handler returns. */
function isResult(node: ExpressionNode): boolean {
  if (node.kind === "name") return node.name === "result" || node.name === "steps";
  return (node.kind === "field" || node.kind === "index") && isResult(node.target);
}

/** An optional field that is absent fails at run time and parks the saga. */
export function warnOfAbsence(node: FieldNode, environment: TypeEnvironment): void {
  const target = pathOf(node.target);
  const path = `${target}.${node.name}`;
  // Behind a macro's variable a `filter` may have asked already; nobody can tell from here.
  const root = target?.split(".")[0] ?? "";
  if (!ROOTS.has(root) || environment.proven.has(path)) return;
  const hint = `Ask first: has(${path}) ? ${path} : null.`;
  environment.warn("definition.may-be-absent", node.at, `\`${path}\` is optional and may be absent`, hint);
}

const ROOTS: ReadonlySet<string> = new Set(["input", "steps", "vars", "result", "signal"]);

/** `input.applicant.name`; undefined when it is no plain path. */
export function pathOf(node: ExpressionNode): string | undefined {
  if (node.kind === "name") return node.name;
  const target = node.kind === "field" ? pathOf(node.target) : undefined;
  return node.kind === "field" && target !== undefined ? `${target}.${node.name}` : undefined;
}

function written(node: ExpressionNode): string {
  const path = pathOf(node);
  return path === undefined ? "this value" : `\`${path}\``;
}
