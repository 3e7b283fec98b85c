import type { Definition } from "../core/definition.ts";
import type { DomainCatalog, Problem } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { stepAt } from "../core/path.ts";
import { Refusal } from "../core/refusal.ts";
import { violations } from "../core/shape.ts";
import type { SagaState } from "../core/state.ts";
import { maskedResult } from "./masked.ts";

/**
 * A result that a person gives in place of a step's participant, as that one would have given it: it fits what the step
 * `returns` and, where the handler's schema is known, that, and holds no mask. A compensation's result is read by nobody.
 * @throws Refusal `saga.result-invalid`
 */
export function fittingResult(
  definition: Definition,
  state: SagaState | null,
  path: string,
  result: Json,
  catalog: DomainCatalog,
): Json {
  const step = stepAt(definition, path);
  const compensating = state?.stack.some((entry) => entry.path === path && entry.undo !== undefined) ?? false;
  if (step === undefined || compensating) return result;
  mustFit(path, maskedResult(definition, result));
  if ("returns" in step && step.returns !== undefined) mustFit(path, violations(step.returns, result, "/result"));
  const output = step.kind === "command" ? catalog.actions.get(step.command)?.output : undefined;
  const parsed = output?.parse(result);
  if (parsed === undefined) return result;
  if (parsed.ok) return parsed.value;
  mustFit(
    path,
    parsed.problems.map((problem) => ({ ...problem, path: `/result${problem.path}` })),
  );
  return result;
}

function mustFit(step: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const message = `the result does not fit ${step}`;
  throw new Refusal("saga.result-invalid", message, "Mend the fields named in errors.", { problems });
}
