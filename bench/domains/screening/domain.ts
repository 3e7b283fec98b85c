import { defineDomain, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Examine = v.strictObject({ applicant: v.string(), amount: v.number() });
type Examine = v.InferOutput<typeof Examine>;
const Examined = v.strictObject({ examinationId: v.string(), score: v.number() });
type Examined = v.InferOutput<typeof Examined>;

async function examine(tx: Tx, _input: Examine, context: StepContext): Promise<Outcome<Examined>> {
  const examinationId = context.newId();
  await tx`
    insert into screening.examination (id, saga_id, status, score)
    values (${examinationId}, ${context.sagaId}, 'passed', 700)
  `;
  return succeeded({ examinationId, score: 700 });
}

async function voidExamination(tx: Tx, _input: Examine, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update screening.examination set status = 'cancelled' where saga_id = ${context.sagaId}`;
  return succeeded();
}

export default defineDomain({
  name: "screening",
  steps: {
    examine: { input: Examine, output: Examined, run: examine },
    void: { input: Examine, run: voidExamination },
  },
});
