import type { CommandStep, Position, SagaStep, WaitStep } from "../core/definition.ts";
import { type CheckContext, keyPosition, type Place, typeOfTemplate } from "./check-context.ts";
import { misfits } from "./misfit.ts";
import { suggestOrList } from "./suggest.ts";
import { ANY, typeOfShape, type ValueType } from "./value-type.ts";

/** The type of `steps.<name>`: what was answered or `returns`, then `output` over it. */
export function outputType(
  check: CheckContext,
  step: CommandStep | WaitStep | SagaStep,
  place: Place,
  answered: ValueType | undefined,
): ValueType {
  const declared = step.returns === undefined ? undefined : typeOfShape(step.returns);
  if (declared !== undefined && answered !== undefined) {
    checkReturns(check, answered, declared, keyPosition(check, step, "returns", step.at));
  }
  const result = declared ?? answered ?? ANY;
  if (step.output === undefined) return result;
  const names = { ...place.names, result, ...(step.kind === "wait" ? { signal: result } : {}) };
  return typeOfTemplate(check, step.output, { flow: place.flow, names, own: ownOutput(step.name) });
}

function checkReturns(check: CheckContext, answered: ValueType, declared: ValueType, at: Position): void {
  for (const misfit of misfits(answered, declared)) {
    const field = misfit.path.join(".");
    const message =
      misfit.reason === "missing"
        ? `the handler does not return \`${field}\``
        : misfit.reason === "extra"
          ? `the handler also returns \`${field}\`, which \`returns\` does not name`
          : `the handler returns something else: ${misfit.message}`;
    check.findings.error(
      "definition.unknown-output",
      at,
      message,
      `Leave \`returns\` out: the handler's own schema is the default. ${knownHint(misfit.known)}`.trim(),
    );
  }
}

function knownHint(known: readonly string[]): string {
  return known.length === 0 ? "" : suggestOrList("", known);
}

/** Inside a step's own `output` the result is called `result`. */
function ownOutput(name: string | undefined) {
  const hint = "In its own `output` a step's result is called `result`.";
  const message = `the step \`${name}\` has not ended here`;
  return { name, code: "definition.step-not-run", message, hint } as const;
}
