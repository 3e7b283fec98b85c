import { expect } from "bun:test";
import { decide, newborn } from "../../engine/core/decide.ts";
import type { Decision } from "../../engine/core/decision.ts";
import type { SagaState } from "../../engine/core/state.ts";
import { type StoredRows, rowsAfter, storedIn } from "./stored-rows.ts";

interface Twin {
  readonly state: SagaState;
  readonly rows: StoredRows;
}

/** Of each state that keeps everything in itself, the state of the same saga whose parts lie outside. */
const twins = new WeakMap<SagaState, Twin>();

/** Decides, and holds that a saga whose parts lie outside its state decides the same. */
export const decideTwice: typeof decide = (definition, facts, state, event, read, evaluator) => {
  const decision = decide(definition, facts, state, event, read, evaluator);
  const twin = twins.get(state) ?? first(state);
  const other = decide(definition, facts, twin.state, event, read, evaluator, storedIn(twin.rows));
  expect(seen(other)).toEqual(seen(decision));
  if (decision.kind !== "transition" || other.kind !== "transition") return decision;
  // As it comes back from the database.
  const stored = JSON.parse(JSON.stringify(other.state)) as SagaState;
  expect(stored.stack.every(({ undo }) => undo !== undefined)).toBe(true);
  twins.set(decision.state, { state: stored, rows: rowsAfter(twin.rows, other) });
  return decision;
};

/** A state without history, or one that was put together by a test: as one that was written before anything left it. */
function first(state: SagaState): Twin {
  return { state: state.root.at === 0 && state.root.current === undefined ? newborn() : state, rows: {} };
}

/** All of a decision but where the parts of the state lie. */
function seen(decision: Decision) {
  if (decision.kind !== "transition") return decision;
  const { state, stored: _stored, ...rest } = decision;
  const { stack, stacked = 0, status, root, timers, mailbox, uncompensated, waitingFor, output, parked } = state;
  const depth = stack.length + stacked;
  return { ...rest, depth, status, root, timers, mailbox, uncompensated, waitingFor, output, parked };
}
