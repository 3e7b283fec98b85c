import { type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import type { Charge, Charged } from "./messages.ts";

/** Charges the card behind a subscription. Rejects with `card_declined`. */
export async function charge(tx: Tx, input: Charge, context: StepContext): Promise<Outcome<Charged>> {
  const [declined] = await tx`
    select 1 from payment.declined_card where subscription_no = ${input.subscriptionNo}
  `;
  if (declined !== undefined) return rejected("card_declined", "the bank declined the card");
  const paymentId = context.newId();
  await tx`
    insert into payment.payment (id, step_key, subscription_no, amount, paid_at)
    values (${paymentId}, ${context.stepKey}, ${input.subscriptionNo}, ${input.amount}, ${context.now})
  `;
  return succeeded({ paymentId });
}
