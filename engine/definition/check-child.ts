import type { Definition, SagaStep } from "../core/definition.ts";
import { everyStep } from "./blocks.ts";
import { type CheckContext, keyPosition, type Place } from "./check-context.ts";
import { typeOfOutput } from "./check-definition.ts";
import { checkInput } from "./check-input.ts";
import { refuseAfterPivot } from "./check-pivot.ts";
import { suggestOrList } from "./suggest.ts";
import { typeOfShape, type ValueType } from "./value-type.ts";

/** A child saga: that there is one, what it takes, and how it is undone. Gives the type of its output. */
export function checkChild(check: CheckContext, step: SagaStep, place: Place): ValueType | undefined {
  const at = keyPosition(check, step, "saga", step.at);
  const child = childOf(check, step);
  const receiver = child && { name: child.name, input: typeOfShape(child.input), where: "the child's `input`" };
  checkInput(check, step.with, place, receiver, at);
  if (step.compensate !== undefined) {
    refuseAfterPivot(check, place.flow, keyPosition(check, step, "compensate", at), "`compensate`");
  } else if (child !== undefined && hasPivot(child) && place.flow.pivot === "before") {
    const message = `\`${child.name}\` has a pivot, behind which it cannot undo itself: this step needs a \`compensate\``;
    const hint = "Name the command, or the steps, that make good what the child has done.";
    check.findings.error("definition.child-pivot", at, message, hint);
  }
  return child === undefined ? undefined : typeOfOutput(child, check.catalog, check.children);
}

function childOf(check: CheckContext, step: SagaStep): Definition | undefined {
  const { definitions } = check.children;
  if (definitions === null) return undefined;
  const at = keyPosition(check, step, "saga", step.at);
  const child = definitions.get(step.saga);
  if (child === undefined) {
    const message = `there is no definition \`${step.saga}\``;
    check.findings.error("definition.unknown-saga", at, message, suggestOrList(step.saga, definitions.keys()));
    return undefined;
  }
  const way = wayBack(step.saga, check.name, definitions, new Set());
  if (way === undefined) return child;
  const message = `\`${check.name}\` would start itself without end: ${[check.name, ...way].join(" → ")}`;
  check.findings.error("definition.saga-cycle", at, message, "Take one of these steps out; use `each` to repeat.");
  return undefined;
}

/** The names from a definition to one that it starts, directly or through others; undefined when it never does. */
function wayBack(
  from: string,
  to: string,
  definitions: ReadonlyMap<string, Definition>,
  seen: Set<string>,
): readonly string[] | undefined {
  if (from === to) return [to];
  if (seen.has(from)) return undefined;
  seen.add(from);
  for (const next of childrenOf(definitions.get(from))) {
    const way = wayBack(next, to, definitions, seen);
    if (way !== undefined) return [from, ...way];
  }
  return undefined;
}

function childrenOf(definition: Definition | undefined): readonly string[] {
  const steps = definition === undefined ? [] : [...everyStep(definition.steps)];
  return steps.flatMap((step) => (step.kind === "saga" ? [step.saga] : []));
}

function hasPivot(definition: Definition): boolean {
  return [...everyStep(definition.steps)].some((step) => step.kind === "command" && step.pivot);
}
