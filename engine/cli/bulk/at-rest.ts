import type * as v from "valibot";

import { Saga } from "../../api/saga-schema.ts";
import { isFinal } from "../../core/state.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { problemText } from "../client.ts";
import { expect } from "../output.ts";
import type { PatientCaller } from "./patient-caller.ts";

export type SagaView = v.InferOutput<typeof Saga>;

const LOOK_FIRST_MS = 100;
const LOOK_LAST_MS = 2_000;
/** Steps that go on by themselves. */
const MOVING: ReadonlySet<string> = new Set(["running", "retrying", "compensating"]);

/**
 * Does nothing more happen to a saga by itself? It is final, parked, or only waits for signals. `signalled`: a signal is
 * recorded that the dispatcher has not applied yet, so that waiting is no rest.
 */
export function isAtRest({ status, waitingFor, steps }: SagaView, signalled = false): boolean {
  if (isFinal(status) || status === "parked") return true;
  return !signalled && waitingFor !== null && !steps.some((step) => MOVING.has(step.status));
}

/** Where a saga stands, in the words of the summary. */
export function standing({ status, waitingFor }: SagaView): string {
  if (status !== "running" || waitingFor === null) return status;
  return `waiting for ${[...new Set(waitingFor.map(({ signal }) => signal))].join(", ")}`;
}

/** The saga once it is at rest, or as it stands when the time is over or the person stops the waiting. */
export async function untilAtRest(
  caller: PatientCaller,
  sagaId: string,
  waitMs: number,
  stopping: AbortSignal,
  signalled = false,
): Promise<SagaView> {
  const until = performance.now() + waitMs;
  // The engine's own wait ends at a final or parked saga at once; one that waits for a signal shows by looking again.
  for (let look = LOOK_FIRST_MS; ; look = Math.min(LOOK_LAST_MS, look * 2)) {
    const left = Math.max(1, Math.min(look, Math.round(until - performance.now())));
    const path = `/v1/sagas/${encodeURIComponent(sagaId)}`;
    const reply = await caller.call("GET", path, { query: { wait: `${left}ms` } });
    if (reply.status >= 300) throw new CliError(EXIT.refused, problemText(reply.status, reply.answer), reply.answer);
    const saga = expect(Saga, reply.answer);
    if (isAtRest(saga, signalled) || stopping.aborted || performance.now() >= until) return saga;
  }
}
