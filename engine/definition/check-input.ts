import type { Position, Template } from "../core/definition.ts";
import type { ActionDescription } from "../core/domain.ts";
import { type CheckContext, type Place, typeOfTemplate } from "./check-context.ts";
import type { DiagnosticCode } from "./diagnostic-codes.ts";
import { typeOfSchema } from "./json-schema-type.ts";
import { type Misfit, misfits } from "./misfit.ts";
import { suggest, suggestOrList } from "./suggest.ts";
import type { ValueType } from "./value-type.ts";

/** What takes a `with`: a handler, a child saga. */
export interface Receiver {
  /** How a message calls it. */
  readonly name: string;
  readonly input: ValueType;
  /** Where its input is said, for the hint. */
  readonly where: string;
}

/** A command's handler as a receiver. */
export function handlerOf(action: ActionDescription | undefined): Receiver | undefined {
  if (action === undefined) return undefined;
  const name = `${action.domain}.${action.action}`;
  return { name, input: typeOfSchema(action.input), where: "the handler's input" };
}

/** The action that a command names; reports a domain or action that nobody has. Undefined without a catalog. */
export function actionOf(check: CheckContext, command: string, at: Position): ActionDescription | undefined {
  const action = check.catalog?.actions.get(command);
  if (action === undefined && check.catalog !== null) {
    const known = [...check.catalog.actions.keys()];
    const domain = command.split(".")[0] ?? "";
    const domains = [...new Set([...known.map((each) => each.split(".")[0] ?? ""), ...(check.catalog.broken ?? [])])];
    const siblings = known.filter((each) => each.startsWith(`${domain}.`));
    if (check.catalog.broken?.has(domain)) return undefined;
    if (siblings.length === 0 && check.catalog.open) return notLoaded(check, domain, domains, at);
    const hint =
      addedLater(check.catalog.unloaded?.get(domain)) ??
      suggest(command, known) ??
      (siblings.length > 0 ? suggestOrList(command, siblings) : domainHint(domain, domains));
    check.findings.error("definition.unknown-command", at, `no domain has the command \`${command}\``, hint);
  }
  return action;
}

function addedLater(folder: string | undefined): string | undefined {
  return folder === undefined ? undefined : `${folder} was added after this engine started: start it again.`;
}

function notLoaded(check: CheckContext, domain: string, domains: readonly string[], at: Position): undefined {
  const message = `the domain \`${domain}\` is not loaded yet: no process has published it`;
  const hint = `This file is taken in when a process with EKIDEN_ROLES=domain:${domain} has started. ${domainHint(domain, domains)}`;
  check.findings.error("definition.domain-not-loaded", at, message, hint);
}

function domainHint(domain: string, domains: readonly string[]): string {
  return `There is no domain \`${domain}\`. ${suggestOrList(domain, domains)}`;
}

const CODE: Readonly<Record<Misfit["reason"], DiagnosticCode>> = {
  missing: "definition.input-missing",
  extra: "definition.input-extra",
  type: "definition.input-type",
};

/**
 * Checks a `with` against what takes it; all its expressions are checked on the way. `at` is where to
 * point when the template itself has no place in the file.
 */
export function checkInput(
  check: CheckContext,
  template: Template,
  place: Place,
  receiver: Receiver | undefined,
  at: Position,
): void {
  const actual = typeOfTemplate(check, template, place);
  if (receiver === undefined) return;
  for (const misfit of misfits(actual, receiver.input)) {
    const where = placeOf(check, template, misfit.path, at);
    const hint = hintFor(misfit, template, receiver);
    check.findings.error(CODE[misfit.reason], where, `${receiver.name}: ${misfit.message}`, hint);
  }
}

/** As `checkInput`, for a compensation without `with`: its handler gets the step's own input. */
export function checkInheritedInput(
  check: CheckContext,
  template: Template,
  place: Place,
  receiver: Receiver | undefined,
  at: Position,
): void {
  const actual = typeOfTemplate(check, template, place);
  if (receiver === undefined) return;
  const hint = "It gets the step's own input; give it its own: compensate: { command: …, with: … }.";
  for (const misfit of misfits(actual, receiver.input)) {
    check.findings.error(CODE[misfit.reason], at, `${receiver.name}: ${misfit.message}`, hint);
  }
}

function hintFor(misfit: Misfit, template: Template, receiver: Receiver): string {
  const name = misfit.path.at(-1) ?? "";
  if (misfit.reason === "type") {
    const meant = misfit.text === undefined ? undefined : suggest(misfit.text, misfit.known);
    return meant ?? `Pass another value, or change ${receiver.where}.`;
  }
  if (template.kind === "expression") return "Name the fields one by one: a map below `with:`.";
  if (misfit.reason === "missing") return `Add \`${name}\`.`;
  return (
    suggest(name, misfit.known) ?? `Remove it, or add it to ${receiver.where}. ${suggestOrList(name, misfit.known)}`
  );
}

/** The deepest key of the template on the way to the fault. */
function placeOf(check: CheckContext, template: Template, path: readonly string[], otherwise: Position): Position {
  const here = check.marks.of(template, otherwise);
  if (template.kind === "expression") return template.expression.at;
  const [name, ...rest] = path;
  if (template.kind !== "object" || name === undefined) return here;
  const entry = Object.hasOwn(template.entries, name) ? template.entries[name] : undefined;
  if (entry === undefined) return here;
  const keyAt = check.marks.ofKey(template, name, here);
  return rest.length === 0 && entry.kind !== "expression" ? keyAt : placeOf(check, entry, rest, keyAt);
}

/** The type of what a handler answers: null when it answers nothing, undefined when nothing is known. */
export function answerType(action: ActionDescription | undefined): ValueType | undefined {
  if (action === undefined) return undefined;
  return action.output === undefined ? { kind: "null" } : typeOfSchema(action.output);
}
