import type { SagaState, UndoState } from "./state.ts";

/** A state as it was written while a saga was one line of steps. */
interface EarlierState extends SagaState {
  backward?: Omit<Extract<UndoState, { kind: "command" }>, "kind">;
  cancel?: { readonly reason: string };
}

/** Reads a state of an earlier version as one of this version. Others are given back as they are. */
export function upgraded(stored: SagaState): SagaState {
  const { backward, cancel, ...state } = stored as EarlierState;
  if (backward === undefined && cancel === undefined) return stored;
  const top = state.stack.at(-1);
  if (backward !== undefined && top !== undefined) {
    return { ...state, stack: [...state.stack.slice(0, -1), { ...top, undo: { kind: "command", ...backward } }] };
  }
  if (cancel === undefined) return state;
  return { ...state, closing: { code: "cancelled", message: cancel.reason, step: "", kind: "cancelled" } };
}
