import { FatalError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import type { Authorise, Authorised, Capture } from "./messages.ts";

/** What one order may cost at most without a person's word. */
const LIMIT = 10_000;

/** Holds money. Rejects with `over_limit`. */
export async function authorise(tx: Tx, input: Authorise, context: StepContext): Promise<Outcome<Authorised>> {
  if (input.amount > LIMIT) return rejected("over_limit", `${input.amount} is more than ${LIMIT}`);
  const authorisationId = context.newId();
  await tx`
    insert into payment.authorisation (id, step_key, order_no, amount, status, authorised_at)
    values (
      ${authorisationId}, ${context.stepKey}, ${input.orderNo}, ${input.amount}, 'held', ${context.now}
    )
  `;
  return succeeded({ authorisationId });
}

/** Undoes `authorise`. */
export async function release(tx: Tx, _input: Authorise, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("payment.release only undoes a step", { code: "not_a_compensation" });
  await tx`
    update payment.authorisation set status = 'released'
    where step_key = ${compensates.stepKey} and status = 'held'
  `;
  return succeeded();
}

/** Takes the money that was held. */
export async function capture(tx: Tx, input: Capture, context: StepContext): Promise<Outcome<undefined>> {
  const { count } = await tx`
    update payment.authorisation set status = 'captured', captured_at = ${context.now}
    where id = ${input.authorisationId} and status = 'held'
  `;
  if (count === 0) throw new FatalError(`there is no money held under ${input.authorisationId}`);
  return succeeded();
}
