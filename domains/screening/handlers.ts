import { FatalError, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import { decide } from "./decide.ts";
import type { Examine, Examined } from "./messages.ts";

/** Examines an application and keeps the decision with its reasons. Never rejects: `rejected` is a result here. */
export async function examine(tx: Tx, input: Examine, context: StepContext): Promise<Outcome<Examined>> {
  const { result, score, reasons } = decide(input.applicant, input.credit);
  const screeningId = context.newId();
  await tx`
    insert into screening.screening (id, step_key, application_id, result, score, reasons, examined_at)
    values (
      ${screeningId}, ${context.stepKey}, ${input.applicationId}, ${result}, ${score}, ${reasons}, ${context.now}
    )
  `;
  return succeeded({ screeningId, result, score, reasons });
}

/** Undoes `examine`: the screening stays readable and is marked as void. */
export async function voidScreening(tx: Tx, _input: Examine, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("screening.void only undoes a step", { code: "not_a_compensation" });
  // By step key, since the step's output is missing when nobody saw its end.
  const { count } = await tx`
    update screening.screening set voided_at = ${context.now}
    where step_key = ${compensates.stepKey} and voided_at is null
  `;
  // A step that a person resolved by hand wrote no row: there is nothing to void, and that is well.
  if (count === 0) context.log.warn("no screening to void", { compensates: compensates.stepKey });
  return succeeded();
}
