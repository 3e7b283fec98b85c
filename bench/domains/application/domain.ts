import { defineDomain, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Register = v.strictObject({ applicant: v.string(), amount: v.number() });
type Register = v.InferOutput<typeof Register>;
const Registered = v.strictObject({ applicationId: v.string() });
type Registered = v.InferOutput<typeof Registered>;

async function register(tx: Tx, input: Register, context: StepContext): Promise<Outcome<Registered>> {
  const applicationId = context.newId();
  await tx`
    insert into application.application (id, saga_id, status, applicant, amount)
    values (${applicationId}, ${context.sagaId}, 'registered', ${input.applicant}, ${input.amount})
  `;
  return succeeded({ applicationId });
}

async function cancel(tx: Tx, _input: Register, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update application.application set status = 'cancelled' where saga_id = ${context.sagaId}`;
  return succeeded();
}

export default defineDomain({
  name: "application",
  steps: {
    register: { input: Register, output: Registered, run: register },
    cancel: { input: Register, run: cancel },
  },
});
