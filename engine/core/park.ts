import { type Draft, errorOf } from "./draft.ts";
import type { Failure } from "./state.ts";

/** Stops the saga for a person, with the reason. */
export function park(draft: Draft, path: string, failure: Failure): void {
  draft.state.status = "parked";
  draft.state.parked = failure;
  draft.step({ path, status: "parked", failure });
  draft.send({ topic: "timeline", type: "saga.parked", path, body: { error: errorOf(failure) } });
}

/** Movement again: by a person's retry, or by a late answer. */
export function unpark(draft: Draft): void {
  if (draft.state.status !== "parked") return;
  draft.state.status = draft.state.backward === undefined ? "running" : "compensating";
  delete draft.state.parked;
}
