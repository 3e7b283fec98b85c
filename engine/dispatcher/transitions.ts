import { decide, newborn } from "../core/decide.ts";
import type { Decision, Outgoing, Resolved, StepChange, Transition, VerbRefused } from "../core/decision.ts";
import type { Definition } from "../core/definition.ts";
import type { Evaluator } from "../core/evaluate.ts";
import type { GuardOutcome, Read, SagaEvent } from "../core/event.ts";
import type { Json } from "../core/json.ts";
import { stepKey } from "../core/path.ts";
import { SEMANTICS } from "../core/semantics.ts";
import { isFinal, type SagaState, type SagaStatus } from "../core/state.ts";
import type { StoredChange } from "../core/stored.ts";
import { consumptionWrites, type DispatcherConsumption } from "../timeline/consumption-write.ts";
import type { Tx } from "../timeline/database.ts";
import { type EventRow, parseEvent } from "../timeline/event-row.ts";
import { newId } from "../timeline/ids.ts";
import { factsOf, type SagaRow } from "../timeline/saga-row.ts";
import { type SagaWrite, sagaWrites } from "../timeline/saga-write.ts";
import type { NewSaga } from "../timeline/start-write.ts";
import { type StepWrite, stepWrites } from "../timeline/step-write.ts";
import { StoredNeeded, StoredSteps } from "../timeline/stored-steps.ts";
import type { Unit } from "../timeline/store.ts";
import type { Delivery } from "../transport/port.ts";
import { KnownSagas } from "./known-sagas.ts";
import { refusalOf } from "./operator-refusals.ts";
import type { Revisions } from "./revisions.ts";

/** An event to apply, with its place in the transport when it has travelled. */
export interface Arrival {
  readonly row: EventRow;
  readonly delivery?: Delivery;
  /** It was recorded without being applied and counts in `saga.unapplied`. */
  readonly counted?: boolean;
}

/** What became of one event. */
export interface Applied {
  readonly messageId: string;
  readonly effect:
    | "transition"
    | "late"
    | "final"
    | "compensating"
    | "stale"
    | "past-pivot"
    | VerbRefused
    | "not-editable"
    | "other"
    | "malformed"
    | "unknown-saga"
    | "stillborn";
}

/** What became of one event, with the row that says so. */
interface Noted {
  readonly consumption: DispatcherConsumption;
  readonly effect: Applied["effect"];
}

/** A saga inside a batch: how it was found and what has become of it so far. */
interface Work {
  readonly row: SagaRow;
  readonly definition: Definition;
  readonly before: SagaState | null;
  state: SagaState;
  sequence: number;
  unapplied: number;
  changed: boolean;
  /** Changes of its steps' rows that are not sent yet. */
  steps: Map<string, StepChange>;
  stored: Map<string, StoredChange>;
  taken: Record<string, string>;
}

/**
 * Applies events to sagas inside the caller's transaction, which holds their locks. The one place where `decide` meets
 * the database: the dispatcher, the API's calls and the timers all come through here.
 */
export class Transitions {
  readonly #revisions: Revisions;
  readonly #evaluator: Evaluator;
  readonly #consumer: string;
  readonly #decideNext: typeof decide;
  /** This engine process, as a saga's last writer. */
  readonly writer = newId();
  readonly known = new KnownSagas();

  /** `decideNext`: another one only where a test plants a bug into it. */
  constructor(revisions: Revisions, evaluator: Evaluator, consumer: string, decideNext = decide) {
    this.#revisions = revisions;
    this.#evaluator = evaluator;
    this.#consumer = consumer;
    this.#decideNext = decideNext;
  }

  /**
   * Applies events in the given order; those of one saga must stand in their order on the timeline. `born`: sagas that
   * have no row yet. `settled`: the sagas that are final or parked now, whom callers may be waiting for. What is written
   * travels with the commit.
   */
  async apply(
    unit: Unit,
    sagas: ReadonlyMap<string, SagaRow>,
    arrivals: readonly Arrival[],
    now: Date,
    born: ReadonlyMap<string, NewSaga> = new Map(),
  ): Promise<{ readonly applied: Applied[]; readonly settled: readonly string[] }> {
    const works = new Map<string, Work>();
    const consumptions: DispatcherConsumption[] = [];
    const applied: Applied[] = [];
    const stillborn = new Set<string>();
    for (const arrival of arrivals) {
      const row = sagas.get(arrival.row.correlation_id);
      // What the other process sent for this saga must not be overtaken by what is sent now.
      if (row !== undefined && row.writer !== null && row.writer !== this.writer) unit.behindOthers();
      const work = await this.#work(unit.tx, works, row);
      const result =
        work === undefined
          ? await this.#toNobody(unit.tx, arrival, stillborn)
          : await this.#applyOne(unit, work, arrival, now);
      consumptions.push(result.consumption);
      applied.push({ messageId: arrival.row.message_id, effect: result.effect });
    }
    const moved = [...works.values()].filter((work) => work.changed || born.has(work.row.id));
    const writes = moved.map((work) => toWrite(work, now, born.get(work.row.id)));
    unit.committed((xid) => {
      for (const work of moved) this.known.keep(rowAfter(work, this.writer), xid);
    });
    unit.send([...consumptionWrites(unit.tx, consumptions), ...sagaWrites(unit.tx, writes, this.writer)]);
    const settled = [...works.values()]
      .filter((work) => work.changed && isSettled(work.state.status))
      .map((work) => work.row.id);
    return { applied, settled };
  }

  async #work(tx: Tx, works: Map<string, Work>, row: SagaRow | undefined): Promise<Work | undefined> {
    if (row === undefined) return undefined;
    const known = works.get(row.id);
    if (known !== undefined) return known;
    const work: Work = {
      row,
      definition: await this.#revisions.get(tx, row.definition, row.revision),
      before: row.state,
      state: row.state ?? newborn(),
      sequence: row.sequence,
      unapplied: row.unapplied,
      changed: false,
      steps: new Map(),
      stored: new Map(),
      taken: {},
    };
    works.set(row.id, work);
    return work;
  }

  async #applyOne(unit: Unit, work: Work, arrival: Arrival, now: Date): Promise<Noted> {
    const parsed = parseEvent(arrival.row);
    if ("malformed" in parsed) return this.#malformed(arrival, parsed.malformed);
    if ("other" in parsed) return this.#note(arrival, "other");
    if (arrival.counted && work.unapplied > 0) {
      work.unapplied -= 1;
      work.changed = true;
    }
    if (isStale(parsed.event.type, work.sequence)) return this.#note(arrival, "stale");
    return this.#decide(unit, work, arrival, parsed.event, now);
  }

  /** An event for a saga that is not there. `stillborn`: children that could not be born in this transaction. */
  async #toNobody(tx: Tx, arrival: Arrival, stillborn: Set<string>): Promise<Noted> {
    const parsed = parseEvent(arrival.row);
    if ("malformed" in parsed) return this.#malformed(arrival, parsed.malformed);
    if ("other" in parsed) return this.#note(arrival, "other");
    const { correlation_id: sagaId, message_type: type } = arrival.row;
    // It could not be born, and its parent has been told. What the parent sent before it knew finds nobody.
    if (type === "child.requested" || stillborn.has(sagaId) || (await wasStillborn(tx, sagaId))) {
      stillborn.add(sagaId);
      return this.#note(arrival, "stillborn");
    }
    return this.#note(arrival, "unknown-saga", { code: "saga.unknown", message: `there is no saga ${sagaId}` });
  }

  #malformed(arrival: Arrival, message: string): Noted {
    return this.#note(arrival, "malformed", { code: "message.malformed", message });
  }

  async #decide(unit: Unit, work: Work, arrival: Arrival, event: SagaEvent, now: Date) {
    const guards: Record<string, GuardOutcome> = {};
    const read: Read = { now: now.toISOString(), guards };
    const stored = new StoredSteps(unit.tx, work.row.id);
    for (;;) {
      const decision = fetching(() =>
        this.#decideNext(work.definition, factsOf(work.row), work.state, event, read, this.#evaluator, stored),
      );
      if (decision instanceof StoredNeeded) {
        sendSteps(unit, work, now);
        await decision.fetch();
      } else if (decision.kind === "needs")
        guards[decision.path] = await settle(unit.tx, work.row.id, decision.path, decision.keepStarted ?? false);
      else if (decision.kind === "no-op")
        return noted(this.#note(arrival, decision.reason, undefined, read), event.type);
      else {
        await this.#carryOut(unit, work, arrival, decision);
        return this.#note(arrival, "transition", undefined, read, work);
      }
    }
  }

  async #carryOut(unit: Unit, work: Work, arrival: Arrival, transition: Transition): Promise<void> {
    work.state = transition.state;
    work.sequence += 1;
    work.changed = true;
    Object.assign(work.taken, transition.taken);
    for (const step of transition.steps) work.steps.set(step.path, { ...work.steps.get(step.path), ...step });
    for (const change of transition.stored)
      work.stored.set(change.path, { ...work.stored.get(change.path), ...change });
    for (const path of transition.reopen) await unit.tx`select timeline.reopen_step(${stepKey(work.row.id, path)})`;
    for (const path of transition.keep) await unit.tx`select timeline.keep_step(${stepKey(work.row.id, path)})`;
    for (const resolved of transition.resolved ?? []) await resolve(unit.tx, work.row.id, resolved);
    for (const message of transition.outgoing) request(unit, work.row, arrival.row.message_id, message);
  }

  #note(
    arrival: Arrival,
    effect: Applied["effect"],
    error?: { code: string; message: string },
    read?: Read,
    moved?: Work,
  ): Noted {
    const consumption: DispatcherConsumption = {
      messageId: arrival.row.message_id,
      correlationId: arrival.row.correlation_id,
      messageKey: arrival.row.message_key,
      ...(arrival.delivery === undefined ? {} : { delivery: arrival.delivery }),
      first: arrival.delivery === undefined || arrival.delivery.own === true,
      consumer: this.#consumer,
      sequence: moved?.sequence ?? null,
      status: moved?.state.status ?? null,
      semantics: SEMANTICS,
      read: read === undefined ? null : (read as unknown as Json),
      ...(error === undefined ? {} : { error }),
    };
    return { consumption, effect };
  }
}

/** With why a request by a person had no effect: a call that only recorded it could not say. */
function noted({ consumption, effect }: Noted, type: SagaEvent["type"]): Noted {
  const refused = refusalOf(effect, type);
  return refused === undefined ? { consumption, effect } : { consumption: { ...consumption, refused }, effect };
}

function isSettled(status: SagaStatus): boolean {
  return status === "parked" || isFinal(status);
}

/** What `decide` says, or what must be fetched before it can say it. */
function fetching(decides: () => Decision): Decision | StoredNeeded {
  try {
    return decides();
  } catch (error) {
    if (error instanceof StoredNeeded) return error;
    throw error;
  }
}

/** An earlier event of the same batch has changed rows that are read now. */
function sendSteps(unit: Unit, work: Work, now: Date): void {
  unit.send(stepWrites(unit.tx, [toStepWrite(work, now)]));
  work.steps = new Map();
  work.stored = new Map();
}

/** A person's word settles a step, or its compensation. */
async function resolve(tx: Tx, sagaId: string, { path, state, output }: Resolved): Promise<void> {
  const key = stepKey(sagaId, path);
  const json = tx.json(output as never);
  if (state === "done") await tx`select timeline.resolve_step(${key}, ${sagaId}, ${json})`;
  else await tx`select timeline.resolve_compensation(${key}, ${json})`;
}

/** The empty path: the notifications of a saga that is terminated. */
async function settle(tx: Tx, sagaId: string, path: string, keepStarted: boolean): Promise<GuardOutcome> {
  if (path === "") {
    const [closed] = await tx<{ outcome: GuardOutcome }[]>`
      select timeline.close_notifications(${sagaId}) as outcome
    `;
    return (closed as { outcome: GuardOutcome }).outcome;
  }
  const [row] = await tx<{ outcome: GuardOutcome }[]>`
    select timeline.settle_step(${stepKey(sagaId, path)}, ${sagaId}, ${keepStarted}) as outcome
  `;
  const { outcome } = row as { outcome: GuardOutcome };
  return outcome.state === "done" ? { state: "done", output: outcome.output ?? null } : outcome;
}

/** A message to another saga is a row with that saga's id as key; its writer does not lock that saga (S15). */
function request(unit: Unit, saga: SagaRow, causationId: string, message: Outgoing): void {
  unit.request({
    messageId: newId(),
    correlationId: message.to ?? saga.id,
    causationId,
    topic: message.topic,
    messageType: message.type,
    saga: saga.definition,
    stepKey: message.path === undefined ? null : stepKey(saga.id, message.path),
    action: message.action ?? null,
    attempt: message.attempt ?? null,
    traceparent: saga.traceparent,
    messageHeaders: message.headers ?? null,
    messageBody: message.body,
  });
}

function toWrite(work: Work, now: Date, born: NewSaga | undefined): SagaWrite {
  return {
    ...toStepWrite(work, now),
    before: work.before,
    after: work.state,
    sequence: work.sequence,
    unapplied: work.unapplied,
    taken: work.taken,
    ...(born === undefined ? {} : { born }),
  };
}

/** A saga's row as its transaction leaves it. */
function rowAfter({ row, state, sequence, unapplied }: Work, writer: string): SagaRow {
  return { ...row, state, status: state.status, sequence, unapplied, writer };
}

/** Whether a saga that is not there was asked for by a parent, and could not be born. */
async function wasStillborn(tx: Tx, sagaId: string): Promise<boolean> {
  const rows = await tx`
    select from timeline.event_request r
    join timeline.event_consumption c on c.consumer_group = 'dispatcher' and c.message_id = r.message_id
    where r.correlation_id = ${sagaId} and r.message_type = 'child.requested' and not c.error_flag
      and c.consumed_at is not null
  `;
  return rows.length > 0;
}

function toStepWrite(work: Work, now: Date): StepWrite {
  const { row, steps, stored } = work;
  return { sagaId: row.id, now: now.toISOString(), steps: [...steps.values()], stored: [...stored.values()] };
}

/**
 * A start counts once: a second `saga.started` of the same saga, whoever wrote it, is history. Before it nothing counts but
 * what ends the saga: a person may have had the dispatcher pass over its start.
 */
function isStale(type: SagaEvent["type"], sequence: number): boolean {
  if (sequence > 0) return type === "saga.started";
  return type !== "saga.started" && type !== "cancel.requested" && type !== "terminate.requested";
}
