import { defineDomain, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Conclude = v.strictObject({ applicant: v.string(), amount: v.number(), document: v.optional(v.string()) });
type Conclude = v.InferOutput<typeof Conclude>;
const Concluded = v.strictObject({ contractId: v.string() });
type Concluded = v.InferOutput<typeof Concluded>;
const Enter = v.strictObject({ amount: v.number() });
type Enter = v.InferOutput<typeof Enter>;

/** More than this is refused: how the benchmark makes one saga in ten fail. */
const AMOUNT_MAX = 1_000_000;

async function conclude(tx: Tx, input: Conclude, context: StepContext): Promise<Outcome<Concluded>> {
  if (input.amount > AMOUNT_MAX) return rejected("amount_over_limit", `at most ${AMOUNT_MAX}`);
  const contractId = `c-${context.sagaId}`;
  await tx`
    insert into contract.contract (id, saga_id, status, amount)
    values (${contractId}, ${context.sagaId}, 'concluded', ${input.amount})
  `;
  return succeeded({ contractId });
}

async function revoke(tx: Tx, _input: Conclude, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update contract.contract set status = 'revoked' where id = ${`c-${context.sagaId}`}`;
  return succeeded();
}

async function enter(tx: Tx, input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into contract.entry (id, saga_id, status, amount)
    values (${context.stepKey}, ${context.sagaId}, 'entered', ${input.amount})
  `;
  return succeeded();
}

async function withdraw(tx: Tx, _input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update contract.entry set status = 'withdrawn' where id = ${context.compensates?.stepKey ?? ""}`;
  return succeeded();
}

export default defineDomain({
  name: "contract",
  steps: {
    conclude: { input: Conclude, output: Concluded, run: conclude },
    revoke: { input: Conclude, run: revoke },
    enter: { input: Enter, run: enter },
    withdraw: { input: Enter, run: withdraw },
  },
});
