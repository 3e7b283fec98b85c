import { defineDomain, type Projection, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

const Input = v.strictObject({ note: v.string() });
type Input = v.InferOutput<typeof Input>;
const Finish = v.strictObject({ note: v.string(), refuse: v.boolean() });

function write(action: string) {
  return async (tx: Tx, _input: Input, context: StepContext) => {
    await tx`insert into course.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, ${action})`;
    return succeeded();
  };
}

/** Refuses after it has written: the attempt is rolled back, and answered in a transaction of its own. */
async function finish(tx: Tx, input: v.InferOutput<typeof Finish>, context: StepContext) {
  await tx`insert into course.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, 'finish')`;
  return input.refuse ? rejected("unwilling", "asked to refuse") : succeeded();
}

async function undo(tx: Tx, _input: v.InferOutput<typeof Undo>, context: StepContext) {
  const stepKey = context.compensates?.stepKey ?? context.stepKey;
  await tx`insert into course.undone (step_key, saga_id) values (${stepKey}, ${context.sagaId})`;
  return succeeded();
}
const Undo = v.object({ note: v.string() });

/** A call takes its time where the note says so: longer than a group waits before it writes its offsets. */
async function call({ note }: Input) {
  if (note.startsWith("slow")) await Bun.sleep(600);
  return succeeded();
}

async function fail(): Promise<never> {
  throw new Error("it always fails");
}

/** Each end of a saga, once. */
const ends: Projection = {
  on: ["saga.completed", "saga.failed"],
  async apply(tx, event) {
    await tx`insert into course.effect (step_key, saga_id, action) values (${event.type}, ${event.sagaId}, 'end')`;
  },
  async rebuild(tx) {
    await tx`delete from course.effect where action = 'end'`;
  },
};

export default defineDomain({
  name: "course",
  steps: {
    begin: { input: Input, run: write("begin") },
    call: { input: Input, run: call, external: true },
    pass: { input: Input, run: write("pass") },
    finish: { input: Finish, run: finish },
    undo: { input: Undo, run: undo },
    fail: { input: Input, run: fail },
  },
  projections: { ends },
});
