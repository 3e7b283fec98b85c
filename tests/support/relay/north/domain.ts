import { existsSync } from "node:fs";
import { defineDomain, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";

/** The key of the lock at which `gate: lock` waits, in the database. */
const GATE = 77;
const COMPUTES_MS = 8_000;

const Begin = v.strictObject({ note: v.string(), gate: v.pipe(v.string(), v.maxLength(200)) });
const Finish = v.strictObject({ note: v.string(), refuse: v.boolean() });
const Undo = v.object({ note: v.string() });

/**
 * `gate`: empty, `lock` (waits in the database), `computes` (longer than the lease lasts, without an await), or a file for
 * which it waits in this process, its transaction open.
 */
async function begin(tx: Tx, input: v.InferOutput<typeof Begin>, context: StepContext) {
  if (input.gate === "lock") await tx`select pg_advisory_xact_lock_shared(${GATE})`;
  await tx`insert into north.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, 'begin')`;
  if (input.gate === "computes") compute();
  else while (input.gate !== "" && input.gate !== "lock" && !existsSync(input.gate)) await Bun.sleep(20);
  return succeeded();
}

function compute(): void {
  for (const until = performance.now() + COMPUTES_MS; performance.now() < until; );
}

async function finish(tx: Tx, input: v.InferOutput<typeof Finish>, context: StepContext) {
  await tx`insert into north.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, 'finish')`;
  return input.refuse ? rejected("unwilling", "asked to refuse") : succeeded();
}

async function undo(tx: Tx, _input: v.InferOutput<typeof Undo>, context: StepContext) {
  const stepKey = context.compensates?.stepKey ?? context.stepKey;
  await tx`insert into north.undone (step_key, saga_id) values (${stepKey}, ${context.sagaId})`;
  return succeeded();
}

export default defineDomain({
  name: "north",
  steps: {
    begin: { input: Begin, run: begin },
    finish: { input: Finish, run: finish },
    undo: { input: Undo, run: undo },
  },
});
