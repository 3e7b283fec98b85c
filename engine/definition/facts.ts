import type { Compensation, Definition, Expression, Retry, Shape, Step, Template } from "../core/definition.ts";
import type { Json } from "../core/json.ts";
import { allSteps } from "../core/path.ts";

/** What something says, by the words under which a YAML says it. */
export type Facts = Readonly<Record<string, string>>;

/** What a definition says besides input, labels and steps. */
export function settingFacts(definition: Definition): Facts {
  const { version, description, key, sensitive, deadlineMs, start, schedule, output } = definition;
  return present({
    version: String(version),
    description,
    key: key && templateText(key),
    sensitive: sensitive.length === 0 ? undefined : sensitive.join(", "),
    deadline: deadlineMs === undefined ? undefined : span(deadlineMs),
    start: start && [start.topic, ...guarded(start.if), templateText(start.input)].join(" · "),
    schedule:
      schedule && [schedule.cron, schedule.timezone, schedule.overlap, templateText(schedule.input)].join(" · "),
    output: output && templateText(output),
  });
}

/** The fields of the input. */
export function inputFacts({ input }: Definition): Facts {
  return Object.fromEntries(fieldsOf(input, ""));
}

function fieldsOf(shape: Shape, prefix: string): [string, string][] {
  if (shape.kind !== "object" || shape.fields === undefined) return [[prefix, shapeText(shape)]];
  const own: [string, string][] = prefix === "" ? [] : [[prefix, shape.optional ? "object?" : "object"]];
  const inner = Object.entries(shape.fields).flatMap(([name, field]) =>
    fieldsOf(field, prefix === "" ? name : `${prefix}.${name}`),
  );
  return [...own, ...inner];
}

/** The labels. */
export function labelFacts({ labels }: Definition): Facts {
  return Object.fromEntries(Object.entries(labels).map(([name, label]) => [name, templateText(label)]));
}

/** What a step says; steps inside it speak for themselves. */
export function stepFacts(step: Step): Facts {
  const facts = Object.entries(step).map(([key, value]) => [key.replace(/Ms$/, ""), factOf(key, value)] as const);
  return present(Object.fromEntries(facts));
}

/** Kind and what it does, in a line. */
export function stepTitle(step: Step): string {
  const inside = allSteps({ steps: [step] } as unknown as Definition).size - 1;
  const what = titleOf(step);
  return inside === 0 ? what : `${what} (+${inside})`;
}

function titleOf(step: Step): string {
  switch (step.kind) {
    case "command":
    case "notify":
      return `${step.kind} ${step.command}`;
    case "wait":
      return `wait ${step.signal}`;
    case "saga":
      return `saga ${step.saga}`;
    case "fail":
      return `fail ${step.code}`;
    case "end":
      return `end ${step.outcome}`;
    case "set":
      return `set ${Object.keys(step.values).join(", ")}`;
    case "choose":
      return step.subject === undefined ? "choose" : `choose ${step.subject.source}`;
    case "each":
      return `each ${step.as} in ${step.in.source}`;
    case "parallel":
    case "sleep":
      return step.kind;
  }
}

/** Where it stands and what it is called is no fact of it; the steps inside are steps of their own. */
const ASIDE: ReadonlySet<string> = new Set(["at", "id", "name", "steps"]);

function factOf(key: string, value: unknown): string | undefined {
  if (ASIDE.has(key) || value === undefined) return undefined;
  if (key.endsWith("Ms")) return span(Number(value));
  switch (key) {
    case "if":
    case "in":
    case "match":
    case "subject":
      return (value as Expression).source;
    case "with":
    case "output":
    case "message":
    case "until":
      return templateText(value as Template);
    case "returns":
      return shapeText(value as Shape);
    case "retry":
      return retryText(value as Retry);
    case "compensate":
      return undoText(value as Compensation);
    case "catch":
      return (value as readonly { readonly code: string }[]).map(({ code }) => code).join(", ") || undefined;
    case "branches":
      return (value as readonly Branch[]).map(branchText).join(", ");
    case "values":
      return templateText({ kind: "object", entries: value as Readonly<Record<string, Template>> });
    default:
      return key === "else" ? "…" : String(value);
  }
}

interface Branch {
  readonly id: string;
  readonly equals?: Json;
  readonly when?: Expression;
}

function branchText({ id, equals, when }: Branch): string {
  return when?.source ?? (equals === undefined ? id : String(equals));
}

function retryText({ attempts, backoffMs, factor, maxMs, jitter, also, never, then }: Retry): string {
  const delays = `${span(backoffMs)} ×${factor} ≤ ${span(maxMs)}`;
  const lists = [...also.map((code) => `also ${code}`), ...never.map((code) => `never ${code}`)];
  return [`attempts ${attempts}`, delays, `jitter ${jitter}`, ...lists, `then ${then}`].join(", ");
}

function undoText(compensation: Compensation): string {
  const optional = compensation.optional ? ["optional"] : [];
  // Its steps are steps of their own.
  if (compensation.kind === "steps") return ["steps", ...optional].join(", ");
  const { command, with: input, timeoutMs, retry } = compensation;
  const given = input === undefined ? [] : [templateText(input)];
  return [command, ...given, `timeout ${span(timeoutMs)}`, retryText(retry), ...optional].join(", ");
}

function guarded(condition: Expression | undefined): string[] {
  return condition === undefined ? [] : [`if ${condition.source}`];
}

function templateText(template: Template): string {
  switch (template.kind) {
    case "literal":
      return typeof template.value === "string" ? template.value : JSON.stringify(template.value);
    case "expression":
      return marked(template.expression);
    case "text":
      return template.parts.map((part) => (typeof part === "string" ? part : marked(part))).join("");
    case "list":
      return `[${template.items.map(templateText).join(", ")}]`;
    case "object": {
      const entries = Object.entries(template.entries).map(([name, value]) => `${name}: ${templateText(value)}`);
      return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
    }
  }
}

function marked({ source }: Expression): string {
  return `\${ ${source} }`;
}

/** A shape as a YAML says it: `integer(18..120)?`. */
export function shapeText(shape: Shape): string {
  return `${plainShape(shape)}${shape.optional ? "?" : ""}`;
}

function plainShape(shape: Shape): string {
  switch (shape.kind) {
    case "enum":
      return `[${shape.values.join(", ")}]`;
    case "list":
      return `list<${shapeText(shape.item)}>${bounds(shape)}`;
    case "object": {
      if (shape.fields === undefined) return "object";
      const fields = Object.entries(shape.fields).map(([name, field]) => `${name}: ${shapeText(field)}`);
      return `{ ${fields.join(", ")} }`;
    }
    case "string":
    case "number":
    case "integer":
      return `${shape.kind}${bounds(shape)}`;
    case "boolean":
    case "date":
    case "any":
      return shape.kind;
  }
}

function bounds({ min, max }: { readonly min?: number; readonly max?: number }): string {
  return min === undefined && max === undefined ? "" : `(${min ?? ""}..${max ?? ""})`;
}

function span(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, length] = units.find(([, each]) => ms % each === 0) ?? (["ms", 1] as const);
  return `${ms / length}${unit}`;
}

function present(facts: Readonly<Record<string, string | undefined>>): Facts {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
