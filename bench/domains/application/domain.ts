import { defineDomain, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Register = v.strictObject({ applicant: v.string(), amount: v.number(), document: v.optional(v.string()) });
type Register = v.InferOutput<typeof Register>;
const Registered = v.strictObject({ applicationId: v.string() });
type Registered = v.InferOutput<typeof Registered>;
const Enter = v.strictObject({ amount: v.number() });
type Enter = v.InferOutput<typeof Enter>;

// The id is made of the saga's: a second effect of the same step would break the primary key.
async function register(tx: Tx, input: Register, context: StepContext): Promise<Outcome<Registered>> {
  const applicationId = `a-${context.sagaId}`;
  await tx`
    insert into application.application (id, saga_id, status, applicant, amount)
    values (${applicationId}, ${context.sagaId}, 'registered', ${input.applicant}, ${input.amount})
  `;
  return succeeded({ applicationId });
}

async function cancel(tx: Tx, _input: Register, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update application.application set status = 'cancelled' where id = ${`a-${context.sagaId}`}`;
  return succeeded();
}

async function enter(tx: Tx, input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`
    insert into application.entry (id, saga_id, status, amount)
    values (${context.stepKey}, ${context.sagaId}, 'entered', ${input.amount})
  `;
  return succeeded();
}

async function withdraw(tx: Tx, _input: Enter, context: StepContext): Promise<Outcome<undefined>> {
  await tx`update application.entry set status = 'withdrawn' where id = ${context.compensates?.stepKey ?? ""}`;
  return succeeded();
}

export default defineDomain({
  name: "application",
  steps: {
    register: { input: Register, output: Registered, run: register },
    cancel: { input: Register, run: cancel },
    enter: { input: Enter, run: enter },
    withdraw: { input: Enter, run: withdraw },
  },
});
