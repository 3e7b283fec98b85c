import { defineDomain, type Projection, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Pass = v.strictObject({ note: v.string() });
type Pass = v.InferOutput<typeof Pass>;

async function pass(tx: Tx, _input: Pass, context: StepContext) {
  await tx`insert into south.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, 'pass')`;
  return succeeded();
}

async function undo(tx: Tx, _input: Pass, context: StepContext) {
  const stepKey = context.compensates?.stepKey ?? context.stepKey;
  await tx`insert into south.undone (step_key, saga_id) values (${stepKey}, ${context.sagaId})`;
  return succeeded();
}

/** Each end of a saga, once. */
const ends: Projection = {
  on: ["saga.completed", "saga.failed"],
  async apply(tx, event) {
    await tx`insert into south.effect (step_key, saga_id, action) values (${event.type}, ${event.sagaId}, 'end')`;
  },
  async rebuild(tx) {
    await tx`delete from south.effect where action = 'end'`;
  },
};

export default defineDomain({
  name: "south",
  steps: {
    pass: { input: Pass, run: pass },
    undo: { input: Pass, run: undo },
  },
  projections: { ends },
});
