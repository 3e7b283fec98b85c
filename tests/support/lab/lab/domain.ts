import { defineDomain, type Outcome, type Projection, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";
import { perform } from "./behaviour.ts";

const Input = v.strictObject({ note: v.string() });
type Input = v.InferOutput<typeof Input>;
const Output = v.strictObject({ note: v.string() });
type Output = v.InferOutput<typeof Output>;

function work(action: string) {
  return async (tx: Tx, input: Input, context: StepContext): Promise<Outcome<Output>> => {
    const outcome = await perform(action, context, tx, input);
    if (outcome !== undefined) return outcome;
    await tx`
      insert into lab.effect (step_key, saga_id, action, note) values (${context.stepKey}, ${context.sagaId}, ${action}, ${input.note})
    `;
    return succeeded({ note: `${action} of ${input.note}` });
  };
}

async function undo(tx: Tx, input: Input, context: StepContext): Promise<Outcome<undefined>> {
  const outcome = await perform("undo", context, tx, input);
  if (outcome?.type === "rejected") return outcome;
  const { stepKey, output } = context.compensates ?? { stepKey: context.stepKey };
  await tx`
    insert into lab.undone (step_key, saga_id, output) values (${stepKey}, ${context.sagaId}, ${output === undefined ? null : tx.json(output as never)})
  `;
  return succeeded();
}

async function call(input: Input, context: StepContext): Promise<Outcome<Output>> {
  const outcome = await perform("call", context, null, input);
  return outcome ?? succeeded({ note: context.idempotencyKey });
}

const nothing: Projection = {
  on: ["saga.completed", "saga.failed"],
  async apply() {},
  async rebuild() {},
};

export default defineDomain({
  name: "lab",
  steps: {
    one: { input: Input, output: Output, run: work("one") },
    two: { input: Input, output: Output, run: work("two") },
    three: { input: Input, output: Output, run: work("three") },
    tell: { input: Input, output: Output, run: work("tell") },
    undo: { input: Input, run: undo },
    call: { input: Input, output: Output, run: call, external: true },
    elsewhere: { input: Input, output: Output },
  },
  projections: { ends: nothing },
});
