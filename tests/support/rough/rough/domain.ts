import { defineDomain, NotSentError, type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import * as v from "valibot";
import { odd, returns } from "./returns.ts";

const Input = v.strictObject({ note: v.string() });
type Input = v.InferOutput<typeof Input>;
const Call = v.strictObject({ url: v.string(), note: v.string() });
type Call = v.InferOutput<typeof Call>;
const Answer = v.strictObject({ serial: v.number() });

/** Does its one insert, then returns whatever the test wants: what is refused must not leave the insert behind. */
async function work(tx: Tx, { note }: Input, context: StepContext): Promise<Outcome<unknown>> {
  await tx`insert into rough.effect (step_key, note) values (${context.stepKey}, ${note})`;
  return returns.has(note) ? ((await odd(note, context)) as Outcome<unknown>) : succeeded({ note });
}

async function undo(tx: Tx, _input: unknown, { compensates }: StepContext): Promise<Outcome<undefined>> {
  await tx`insert into rough.undone (step_key) values (${compensates?.stepKey ?? "?"})`;
  return succeeded();
}

async function shout({ note }: Input, context: StepContext): Promise<Outcome<unknown>> {
  return returns.has(note) ? ((await odd(note, context)) as Outcome<unknown>) : succeeded({ note });
}

/** Calls an HTTP server as a client of a real one would: with the idempotency key, and undoing by the same key. */
async function call({ url, note }: Call, context: StepContext): Promise<Outcome<v.InferOutput<typeof Answer>>> {
  const headers = { "idempotency-key": context.idempotencyKey, "content-type": "application/json" };
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ note }) });
  } catch (error) {
    if (/refused/i.test(`${(error as { code?: string }).code}`)) throw new NotSentError("nobody listens");
    throw error;
  }
  if (response.status === 422) return rejected("refused", await response.text());
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return succeeded(v.parse(Answer, await response.json()));
}

async function uncall({ url, note }: Call, context: StepContext): Promise<Outcome<undefined>> {
  await fetch(url, { method: "DELETE", headers: { "idempotency-key": context.idempotencyKey }, body: note });
  return succeeded();
}

export default defineDomain({
  name: "rough",
  steps: {
    work: { input: Input, output: v.any(), run: work },
    undo: { input: v.any(), run: undo },
    shout: { input: Input, output: v.any(), run: shout, external: true },
    call: { input: Call, output: Answer, run: call, external: true },
    uncall: { input: Call, run: uncall, external: true },
    // Another program's: a test claims and answers by SQL.
    abroad: { input: Call, output: Answer },
  },
  projections: {
    ended: {
      on: ["saga.completed", "saga.failed"],
      async apply(tx, event) {
        // What a projection may do wrong: swallow an error, which ends the transaction all the same.
        if (returns.has(`ended ${event.sagaId}`)) await tx`select 1 / 0`.catch(() => {});
        else await tx`insert into rough.ended (saga_id) values (${event.sagaId})`;
      },
      async rebuild(tx) {
        await tx`delete from rough.ended`;
      },
    },
  },
});
