import { FatalError, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import type { Register, Registered } from "./messages.ts";

/**
 * Takes an application in. A number may come again after its saga has ended (a cancelled applicant may apply anew);
 * two open sagas with one number are refused earlier, by the definition's `key`.
 */
export async function register(tx: Tx, input: Register, context: StepContext): Promise<Outcome<Registered>> {
  const applicationId = context.newId();
  const { applicant, credit } = input;
  await tx`
    insert into application.application (
      id, step_key, number, status, name, email, age, housing, job, checking, savings,
      amount, months, purpose, registered_at
    )
    values (
      ${applicationId}, ${context.stepKey}, ${input.applicationNo}, 'registered', ${applicant.name},
      ${applicant.email}, ${applicant.age}, ${applicant.housing}, ${applicant.job}, ${applicant.checking},
      ${applicant.savings}, ${credit.amount}, ${credit.months}, ${credit.purpose}, ${context.now}
    )
  `;
  return succeeded({ applicationId });
}

/** Undoes `register`: the application keeps its row, with status `cancelled`. */
export async function cancel(tx: Tx, _input: Register, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("application.cancel only undoes a step", { code: "not_a_compensation" });
  // By step key, since the step's output is missing when nobody saw its end.
  const { count } = await tx`
    update application.application set status = 'cancelled', cancelled_at = ${context.now}
    where step_key = ${compensates.stepKey} and status = 'registered'
  `;
  // A step that a person resolved by hand wrote no row: there is nothing to cancel, and that is well.
  if (count === 0) context.log.warn("no application to cancel", { compensates: compensates.stepKey });
  return succeeded();
}
