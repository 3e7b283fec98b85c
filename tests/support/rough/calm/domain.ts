import { defineDomain, type Outcome, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Input = v.strictObject({ note: v.string() });

async function work(tx: Tx, { note }: { note: string }, context: StepContext): Promise<Outcome<undefined>> {
  await tx`insert into calm.effect (step_key, note) values (${context.stepKey}, ${note})`;
  return succeeded();
}

async function undo(): Promise<Outcome<undefined>> {
  return succeeded();
}

export default defineDomain({
  name: "calm",
  steps: { work: { input: Input, run: work }, undo: { input: Input, run: undo } },
});
