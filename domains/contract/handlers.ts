import { type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import { type Instalment, planInstalments } from "./decide.ts";
import type { Conclude, Concluded } from "./messages.ts";

/**
 * Concludes a contract: contract, instalments and the entry in the book of credit granted, in one transaction.
 * Rejects with `amount_not_payable` or `instalment_too_small` when the amount cannot be split into instalments.
 */
export async function conclude(tx: Tx, input: Conclude, context: StepContext): Promise<Outcome<Concluded>> {
  const plan = planInstalments(input.amount, input.months);
  if (plan.type === "refused") return rejected(plan.code, plan.message);
  const contractId = context.newId();
  const number = await insertContract(tx, contractId, input, context);
  await insertInstalments(tx, contractId, plan.instalments, context.now);
  await enterIntoBook(tx, contractId, input.amount, context);
  return succeeded({ contractId, number, instalment: plan.regular, lastInstalment: plan.last });
}

/** Returns the contract's number, which the database gives. */
async function insertContract(tx: Tx, id: string, input: Conclude, context: StepContext): Promise<string> {
  const [row] = await tx<[{ readonly number: string }]>`
    insert into contract.contract (id, step_key, application_id, amount, months, concluded_at)
    values (${id}, ${context.stepKey}, ${input.applicationId}, ${input.amount}, ${input.months}, ${context.now})
    returning number
  `;
  return row.number;
}

/** Each due date counts from the day of the contract: from one to the next, the 31st would drift to the 28th. */
async function insertInstalments(tx: Tx, contractId: string, plan: readonly Instalment[], now: Date): Promise<void> {
  await tx`
    insert into contract.instalment (contract_id, number, amount, due_on)
    select
      ${contractId}, planned.number, planned.amount,
      (${now}::timestamptz at time zone 'utc')::date + make_interval(months => planned.number)
    from jsonb_to_recordset(${tx.json(plan.map((each) => ({ ...each })))}) as planned (number integer, amount numeric)
  `;
}

async function enterIntoBook(tx: Tx, contractId: string, amount: number, context: StepContext): Promise<void> {
  await tx`
    insert into contract.book (id, step_key, contract_id, credit_granted, booked_at)
    values (${context.newId()}, ${context.stepKey}, ${contractId}, ${amount}, ${context.now})
  `;
}
