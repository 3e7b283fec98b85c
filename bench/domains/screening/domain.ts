import { defineDomain, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Examine = v.strictObject({ applicant: v.string(), amount: v.number(), document: v.optional(v.string()) });
type Examine = v.InferOutput<typeof Examine>;
const Examined = v.strictObject({ examinationId: v.string(), score: v.number() });
type Examined = v.InferOutput<typeof Examined>;
const Enter = v.strictObject({ amount: v.number() });
type Enter = v.InferOutput<typeof Enter>;

async function examine(tx: Tx, _input: Examine, context: StepContext): Promise<Outcome<Examined>> {
  const examinationId = `e-${context.sagaId}`;
  await tx`
    insert into screening.examination (id, saga_id, status, score)
    values (${examinationId}, ${context.sagaId}, 'passed', 700)
  `;
  return succeeded({ examinationId, score: 700 });
}

async function voidExamination(tx: Tx, _input: Examine, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update screening.examination set status = 'cancelled' where id = ${`e-${context.sagaId}`}`;
  return succeeded();
}

async function enter(tx: Tx, input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into screening.entry (id, saga_id, status, amount)
    values (${context.stepKey}, ${context.sagaId}, 'entered', ${input.amount})
  `;
  return succeeded();
}

async function withdraw(tx: Tx, _input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update screening.entry set status = 'withdrawn' where id = ${context.compensates?.stepKey ?? ""}`;
  return succeeded();
}

export default defineDomain({
  name: "screening",
  steps: {
    examine: { input: Examine, output: Examined, run: examine },
    void: { input: Examine, run: voidExamination },
    enter: { input: Enter, run: enter },
    withdraw: { input: Enter, run: withdraw },
  },
});
