import { FatalError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import type { Booked, Entry } from "./messages.ts";

/** Takes money from an account. */
export async function debit(tx: Tx, input: Entry, context: StepContext): Promise<Outcome<Booked>> {
  return enter(tx, input, -input.amount, context);
}

/** Gives money to an account. Rejects with `account_closed`. */
export async function credit(tx: Tx, input: Entry, context: StepContext): Promise<Outcome<Booked>> {
  // The row is locked, so that the account is not closed while the entry is on its way.
  const [closed] = await tx<[{ readonly closed: boolean }?]>`
    select closed_at is not null as closed from bank.account where account = ${input.account} for share
  `;
  if (closed?.closed === true) return rejected("account_closed", "the account is closed");
  return enter(tx, input, input.amount, context);
}

async function enter(tx: Tx, input: Entry, amount: number, context: StepContext): Promise<Outcome<Booked>> {
  const entryId = context.newId();
  await tx`
    insert into bank.entry (id, step_key, account, amount, reference, booked_at)
    values (${entryId}, ${context.stepKey}, ${input.account}, ${amount}, ${input.reference}, ${context.now})
  `;
  return succeeded({ entryId });
}

/** Undoes an entry by a second one: books are never rubbed out. */
export async function reverse(tx: Tx, _input: Entry, context: StepContext): Promise<Outcome<undefined>> {
  const { compensates } = context;
  if (!compensates) throw new FatalError("bank.reverse only undoes a step", { code: "not_a_compensation" });
  await tx`
    insert into bank.entry (id, step_key, account, amount, reference, booked_at, reverses)
    select ${context.newId()}, ${context.idempotencyKey}, account, -amount, reference, ${context.now}, id
    from bank.entry where step_key = ${compensates.stepKey}
    on conflict (reverses) do nothing
  `;
  return succeeded();
}
