import { decide } from "../../engine/core/decide.ts";
import type { Evaluator } from "../../engine/core/evaluate.ts";
import type { Json, JsonObject } from "../../engine/core/json.ts";
import { ChildBirths } from "../../engine/dispatcher/births.ts";
import { Dispatcher } from "../../engine/dispatcher/dispatcher.ts";
import { Recorder } from "../../engine/dispatcher/recorder.ts";
import { Requests } from "../../engine/dispatcher/requests.ts";
import type { Revisions } from "../../engine/dispatcher/revisions.ts";
import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { Timers } from "../../engine/dispatcher/timers.ts";
import { Transitions } from "../../engine/dispatcher/transitions.ts";
import { Participant } from "../../engine/participant/participant.ts";
import type { Domain, Log } from "../../engine/sdk.ts";
import { newId } from "../../engine/timeline/ids.ts";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";
import type { NewSaga } from "../../engine/timeline/start-write.ts";
import { type Store, transact } from "../../engine/timeline/store.ts";
import type { Delivery, Verdict } from "../../engine/transport/port.ts";
import { type Client, connectTo, type Database, rollBack } from "./driver.ts";
import { catalog, domainsOf, type Outside } from "./handlers.ts";
import type { Transaction } from "./store.ts";

/** A process of the engine, as the run lets it work: REAL code of the engine over the model's driver. */
export interface Process {
  readonly client: Client;
  readonly group: string;
  handle(batch: readonly Delivery[], alone: boolean): Promise<readonly Verdict[]>;
  readonly dispatcher?: DispatcherParts;
  isFiring: boolean;
  /** What it has in hand. */
  readonly tokens: Set<object>;
}

/** What a dispatcher's process does besides. */
export interface DispatcherParts {
  fire(): Promise<unknown>;
  readonly requests: Requests;
  start(saga: NewSaga): Promise<unknown>;
}

const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** What every process of a run shares. */
export interface Shared {
  readonly database: Database;
  readonly revisions: Revisions;
  readonly evaluator: Evaluator;
  readonly decide?: typeof decide | undefined;
  /** An error that the engine would log for a person. */
  problem(error: unknown): void;
}

function clientOf(name: string): Client {
  return { name, alive: true, cut: undefined, open: new Set<Transaction>() };
}

function storeOf({ database }: Shared, client: Client): Store {
  return {
    sql: connectTo(database, client),
    producer: client.name,
    // Rows reach the topics at their commit, as Debezium reads them.
    handOver: () => ({ committed: () => {}, abandoned: () => {} }),
  };
}

export function dispatcherProcess(shared: Shared, name: string): Process {
  const client = clientOf(name);
  const store = storeOf(shared, client);
  const { revisions, evaluator, problem } = shared;
  const changes = new SagaChanges();
  const transitions = new Transitions(revisions, evaluator, name, shared.decide ?? decide);
  const births = new ChildBirths(revisions, evaluator, () => catalog);
  const dispatcher = new Dispatcher(store, transitions, births, changes, name, problem);
  const timers = new Timers(store, transitions, changes, problem);
  const recorder = new Recorder(store, transitions, changes);
  return {
    client,
    group: "dispatcher",
    handle: (batch, alone) => dispatcher.handle(batch, alone),
    tokens: new Set(),
    isFiring: false,
    dispatcher: {
      fire: () => timers.fire(),
      requests: new Requests(recorder, revisions, () => catalog),
      start: (saga) => start(store, recorder, saga),
    },
  };
}

/** `outsideOf`: what the handlers of a process touch; they sleep as long as it lives. */
export function participantProcess(
  shared: Shared,
  group: string,
  name: string,
  outsideOf: (client: Client) => Outside,
): Process {
  const client = clientOf(name);
  const domain = domainsOf(outsideOf(client)).find((one) => one.name === group) as Domain;
  const store = storeOf(shared, client);
  const { sql } = store;
  const parts = { domain, catalog, store, batches: sql, singles: sql, log: SILENT, consumer: name };
  const subscription = new Participant(parts).subscription();
  const handle = (batch: readonly Delivery[], alone: boolean) => subscription.handle(batch, alone);
  return { client, group: domain.name, handle, tokens: new Set(), isFiring: false };
}

/** Ends a process as a crash does: its transactions are rolled back, and nobody hears of it any more. */
export function kill(database: Database, { client }: Process): void {
  client.alive = false;
  database.schedule.forget(client);
  for (const transaction of client.open) rollBack(database, client, transaction);
}

/** Starts a saga in one transaction, as the starter does for a caller. */
async function start(store: Store, recorder: Recorder, saga: NewSaga): Promise<void> {
  await transact(store, async (unit) => {
    const { labels, ...facts } = saga;
    const none = { status: "running", sequence: 0, state: null, parent_id: null, parent_path: null };
    const row: SagaRow = { ...facts, ...none };
    const body: JsonObject = { input: saga.input, key: saga.key, labels };
    const arrival = recorder.arrival(unit, row, "saga.started", body as Json, { traceparent: null }, newId(), false);
    await recorder.applyFirst(unit, new Map([[row.id, row]]), [arrival], saga.started_at, new Map([[row.id, saga]]));
  });
}
