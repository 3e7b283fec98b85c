import { newborn } from "../../engine/core/decide.ts";
import type { Definition } from "../../engine/core/definition.ts";
import { isFinal, type SagaState, type SagaStatus } from "../../engine/core/state.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { parseEvent } from "../../engine/timeline/event-row.ts";
import { factsOf, type SagaRow } from "../../engine/timeline/saga-row.ts";
import { OUTPUTS_MAX } from "../../engine/timeline/stored-steps.ts";
import { rowsAfter, type StoredRows, storedIn } from "../core/stored-rows.ts";
import { groupOf } from "./handlers.ts";
import type { Machine } from "./machine.ts";
import { copy } from "./store.ts";

const evaluator = createEvaluator();

/** Before people help: a saga that is parked where every handler did well waits for nobody. */
export function parkedWithoutReason({ tables, troubled }: Machine): string | undefined {
  for (const { id, definition, state } of tables.saga.committed().values()) {
    const failure = state?.parked;
    if (failure === undefined || failure.kind !== "failed" || failure.code.startsWith("child.")) continue;
    if (!troubled.has(`${id}/${failure.step}`))
      return `Liveness: ${definition} is parked at ${failure.step} without need`;
  }
  return undefined;
}

/** After everything: what has not ended, is not consumed, is kept for nobody, or cannot be found again from the events. */
export function unfinished(machine: Machine): string | undefined {
  const sagas = [...machine.tables.saga.committed().values()];
  const excused = beyondHelp(sagas);
  const ended = sagas.filter(({ id }) => !excused.has(rootOf(sagas, id)));
  const open = ended.find(({ status }) => !isFinal(status as SagaStatus));
  if (open !== undefined)
    return `Liveness: ${open.definition} is ${open.status} at the end: ${JSON.stringify(open.state)}`;
  if (machine.log.lag > 0) return `Liveness: ${machine.log.lag} messages wait for ever`;
  const [held] = machine.locks.held;
  if (held !== undefined) return `Liveness: the lock of ${held} is still held`;
  const timer = [...machine.tables.timer.committed().values()].find(({ saga_id: id }) =>
    ended.some((saga) => saga.id === id),
  );
  if (timer !== undefined) return `I13: timer ${timer.name} is left of a saga that has ended`;
  return machine.ledger.unconsumed(groupOf) ?? childEndings(ended) ?? unlikeItsEvents(machine, sagas);
}

/** How a child fails by its own definition, whatever handlers do: a `fail`, or a sleep longer than its life. */
const BY_DEFINITION = /^(?:over|no_choice|deadline)$/;

/** Where such a child fails behind its parent's pivot only a person can skip or end it; the simulator has none for that. */
function beyondHelp(sagas: readonly SagaRow[]): ReadonlySet<string> {
  const hopeless = sagas.filter(({ state }) => BY_DEFINITION.test(state?.parked?.code ?? ""));
  return new Set(hopeless.map(({ id }) => rootOf(sagas, id)));
}

function rootOf(sagas: readonly SagaRow[], id: string): string {
  const parent = sagas.find((saga) => saga.id === id)?.parent_id ?? null;
  return parent === null ? id : rootOf(sagas, parent);
}

/** S15: a child keeps its stack exactly as long as somebody may ask for it. */
function childEndings(sagas: readonly SagaRow[]): string | undefined {
  const kept = sagas.find(({ state }) => (state?.stack.length ?? 0) + (state?.stacked ?? 0) > 0);
  return kept === undefined ? undefined : `S15: ${kept.definition} has ended and still keeps its stack`;
}

/** A saga's state, and what of it lies in the rows of its steps. */
interface Folded {
  readonly state: SagaState;
  readonly rows: StoredRows;
}

/** A saga is a fold of its events in the order in which they were consumed, and of nothing else. */
function unlikeItsEvents(machine: Machine, sagas: readonly SagaRow[]): string | undefined {
  for (const saga of sagas) {
    const definition = machine.ledger.definitionOf(saga.id) as Definition;
    const { state, rows } = fold(machine, saga, definition);
    if (!Bun.deepEquals(JSON.parse(JSON.stringify(state)), saga.state)) {
      return `I1: ${saga.definition} is not the fold of its events`;
    }
    if (!Bun.deepEquals(kept(rows), kept(rowsOf(machine, saga.id)))) {
      return `I1: what ${saga.definition} keeps outside its state is not the fold of its events`;
    }
  }
  return undefined;
}

function fold({ tables, decide }: Machine, saga: SagaRow, definition: Definition): Folded {
  const made = [...tables.consumption.committed().values()].filter(
    ({ group, sagaId, sequence }) => group === "dispatcher" && sagaId === saga.id && typeof sequence === "number",
  );
  const inOrder = made.sort((one, other) => (one.sequence ?? 0) - (other.sequence ?? 0));
  let folded: Folded = { state: newborn(), rows: {} };
  for (const { messageId, read } of inOrder) {
    const row = tables.request.committed().get(messageId);
    if (row === undefined || read === null || read === undefined) continue;
    const parsed = parseEvent({
      message_id: messageId,
      correlation_id: saga.id,
      topic: row.topic,
      message_key: saga.id,
      message_type: row.messageType,
      saga: row.saga,
      step_key: row.stepKey,
      attempt: row.attempt,
      traceparent: null,
      message_body: row.messageBody,
    });
    if (!("event" in parsed)) continue;
    const { state, rows } = folded;
    const stored = storedIn(rows, OUTPUTS_MAX);
    const decision = decide(definition, factsOf(saga), state, parsed.event, read, evaluator, stored);
    if (decision.kind === "transition") folded = copy({ state: decision.state, rows: rowsAfter(rows, decision) });
  }
  return folded;
}

/** What the table keeps of a saga's steps. */
function rowsOf({ tables }: Machine, sagaId: string): StoredRows {
  const own = [...tables.step.committed().values()].filter((row) => row.sagaId === sagaId);
  return Object.fromEntries(own.map(({ sagaId: _sagaId, path, status: _status, ...row }) => [path, row]));
}

/** Of rows those that keep something: a step that never ran has no row, and nothing to forget. */
function kept(rows: StoredRows): StoredRows {
  return Object.fromEntries(
    Object.entries(rows).filter(([, { forgotten: _forgotten, ...row }]) => Object.keys(row).length > 0),
  );
}
