import { type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import { isUsable, write } from "./decide.ts";
import type { Mail, Mailed } from "./messages.ts";

/** Puts a mail into the outgoing box. Rejects with `unusable_address` what no mail can be sent to. */
export async function mail(tx: Tx, input: Mail, context: StepContext): Promise<Outcome<Mailed>> {
  // The address stays out of the message: it is personal, and messages are shown unmasked.
  if (!isUsable(input.to)) return rejected("unusable_address", "no mail can be sent to the address given");
  const mailId = context.newId();
  const { subject, text } = write(input.template, input.contractId);
  await tx`
    insert into notification.outgoing_mail (
      id, step_key, contract_id, template, recipient, subject, text, written_at
    )
    values (
      ${mailId}, ${context.stepKey}, ${input.contractId}, ${input.template}, ${input.to}, ${subject}, ${text},
      ${context.now}
    )
  `;
  return succeeded({ mailId });
}
