import { type Draft, errorOf } from "./draft.ts";
import { placesOf } from "./frame.ts";
import { undone } from "./stack.ts";
import { type Failure, isFinal } from "./state.ts";

/** Stops one place of the saga for a person, with the reason; other branches run on. */
export function park(draft: Draft, path: string, failure: Failure): void {
  draft.step({ path, status: "parked", failure });
  draft.send({ topic: "timeline", type: "saga.parked", path, body: { error: errorOf(failure) } });
}

/** The status follows from the places: a saga is parked while at least one of them stands (S17). */
export function takeStatus(draft: Draft): void {
  const { state } = draft;
  const [first] = parkedAt(draft);
  if (first === undefined) delete state.parked;
  else state.parked = first.failure;
  if (isFinal(state.status)) return;
  if (first !== undefined) state.status = "parked";
  else state.status = state.failure === undefined ? "running" : "compensating";
}

export function isParkedAt(draft: Draft, path: string): boolean {
  return parkedAt(draft).some((place) => place.path === path);
}

/** The places that wait for a person. */
export function parkedAt(draft: Draft): { readonly path: string; readonly failure: Failure }[] {
  const forward = placesOf(draft).flatMap(({ path, state }) => {
    if (state.kind === "fault") return [{ path, failure: state.failure }];
    const stands = (state.kind === "command" || state.kind === "child") && state.phase === "parked";
    return stands && state.failure !== undefined ? [{ path, failure: state.failure }] : [];
  });
  const backward = undone(draft).flatMap(({ path, undo }) =>
    undo?.kind === "command" && undo.phase === "parked" && undo.failure !== undefined
      ? [{ path, failure: undo.failure }]
      : [],
  );
  const { current } = draft.state.root;
  const behind = draft.state.root.at === draft.definition.steps.length && current?.kind === "fault";
  return [...forward, ...backward, ...(behind ? [{ path: "output", failure: current.failure }] : [])];
}
