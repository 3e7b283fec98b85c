import { defineDomain, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Conclude = v.strictObject({ applicant: v.string(), amount: v.number() });
type Conclude = v.InferOutput<typeof Conclude>;
const Concluded = v.strictObject({ contractId: v.string() });
type Concluded = v.InferOutput<typeof Concluded>;

/** More than this is refused: how the benchmark makes one saga in ten fail. */
const AMOUNT_MAX = 1_000_000;

async function conclude(tx: Tx, input: Conclude, context: StepContext): Promise<Outcome<Concluded>> {
  if (input.amount > AMOUNT_MAX) return rejected("amount_over_limit", `at most ${AMOUNT_MAX}`);
  const contractId = context.newId();
  await tx`
    insert into contract.contract (id, saga_id, status, amount)
    values (${contractId}, ${context.sagaId}, 'concluded', ${input.amount})
  `;
  return succeeded({ contractId });
}

export default defineDomain({
  name: "contract",
  steps: { conclude: { input: Conclude, output: Concluded, run: conclude } },
});
