import { type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import type { Contracted } from "./messages.ts";

/** Enters a concluded contract into the ledger. */
export async function contracted(tx: Tx, input: Contracted, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into ledger.entry (id, step_key, kind, contract_id, entered_at)
    values (${context.newId()}, ${context.stepKey}, 'contracted', ${input.contractId}, ${context.now})
  `;
  return succeeded();
}
