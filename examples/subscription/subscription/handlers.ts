import { type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import { yearAfter } from "./decide.ts";
import type { Ask, Extend, Extended } from "./messages.ts";

/** Writes a letter into the outgoing box. */
export async function ask(tx: Tx, input: Ask, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into subscription.letter (id, step_key, subscription_no, recipient, letter, written_at)
    values (
      ${context.newId()}, ${context.stepKey}, ${input.subscriptionNo}, ${input.email}, ${input.letter}, ${context.now}
    )
  `;
  return succeeded();
}

/** Adds a year. */
export async function extend(tx: Tx, input: Extend, context: StepContext): Promise<Outcome<Extended>> {
  const [subscription] = await tx<[{ readonly paid_until: Date }?]>`
    select paid_until::timestamptz from subscription.subscription
    where subscription_no = ${input.subscriptionNo} for update
  `;
  const paidUntil = yearAfter(subscription?.paid_until, context.now);
  await tx`
    insert into subscription.subscription (subscription_no, paid_until, payment_id, step_key)
    values (${input.subscriptionNo}, ${paidUntil}, ${input.paymentId}, ${context.stepKey})
    on conflict (subscription_no) do update set
      paid_until = excluded.paid_until, payment_id = excluded.payment_id, step_key = excluded.step_key
  `;
  return succeeded({ paidUntil: paidUntil.toISOString() });
}
