import type { Definition } from "../../engine/core/definition.ts";
import { decide, newborn } from "../../engine/core/decide.ts";
import { stepAt } from "../../engine/core/path.ts";
import type { Parent, SagaState } from "../../engine/core/state.ts";
import { broken, brokenMove } from "../core/explorer/invariants.ts";
import type { Guard, Model, World } from "../core/explorer/world.ts";
import type { Transaction } from "./store.ts";
import { consumptionKey, type RequestRow, type Tables } from "./tables.ts";

/** Retries that people may ask for: the explorer's invariants count them down. */
const PLENTY = 1_000;

/** One saga as the explorer's invariants see it: a world of its own, whose children are steps like others. */
interface Book {
  readonly model: Model;
  readonly parent: Parent | undefined;
  world: World;
  sequence: number;
  retries: number;
  signals: number;
  /** A completed child whose parent has asked for its stack. */
  reversed: boolean;
}

/**
 * Checks every commit: the explorer's invariants for each saga that it has touched, and what only a store with
 * transactions and a clock can show.
 */
export class Ledger {
  readonly #books = new Map<string, Book>();
  readonly #tables: Tables;
  readonly #latestMs: () => number;
  readonly #timers = new Map<string, { set: number; fired: number }>();

  constructor(tables: Tables, latestMs: () => number) {
    this.#tables = tables;
    this.#latestMs = latestMs;
  }

  /** Enters a saga whose definition is known. */
  open(sagaId: string, definition: Definition, parent?: Parent): void {
    if (this.#books.has(sagaId)) return;
    const external = { has: (path: string) => isExternal(definition, path) } as unknown as ReadonlySet<string>;
    const budget = { duplicates: 0, crashes: 0, cancels: 0, signals: PLENTY, retries: PLENTY, verbs: 0, edits: 0 };
    const model = { definition, decide, outcomes: {}, compensations: {}, external, budget, faults: {} };
    const world: World = {
      saga: newborn(),
      guards: {},
      commands: [],
      events: [],
      did: [],
      undone: [],
      sent: {},
      statuses: {},
      edited: [],
      left: budget,
      child: { saga: null, events: [], path: "" },
    };
    this.#books.set(sagaId, { model, parent, world, sequence: 0, retries: 0, signals: 0, reversed: false });
  }

  definitionOf(sagaId: string): Definition | undefined {
    return this.#books.get(sagaId)?.model.definition;
  }

  worldOf(sagaId: string): World | undefined {
    return this.#books.get(sagaId)?.world;
  }

  /** Takes a commit in, before its changes are applied; says what it breaks. */
  committed(transaction: Transaction): string | undefined {
    return (
      this.#consumptions(transaction) ??
      this.#effects(transaction) ??
      this.#timersOf(transaction) ??
      this.#sagas(transaction)
    );
  }

  /** An effect outside of the database. */
  happened(sagaId: string, path: string, kind: "did" | "undone"): string | undefined {
    const book = this.#books.get(sagaId);
    return book === undefined ? undefined : this.#move(book, { [kind]: [...book.world[kind], path] });
  }

  /** I1, I8, I12: transitions are numbered without a gap, nothing is consumed twice, every error has its answer. */
  #consumptions(transaction: Transaction): string | undefined {
    // Rows of one commit have no order but their sequence.
    const rows = [...transaction.changesOf(this.#tables.consumption)].flatMap(([key, row]) =>
      row === null ? [] : [{ key, row }],
    );
    for (const { key, row } of rows.sort((one, other) => (one.row.sequence ?? 0) - (other.row.sequence ?? 0))) {
      const before = this.#tables.consumption.committed().get(key);
      if (before?.consumed && !before.error && row.attempts > before.attempts)
        return `I8: ${row.messageId} is consumed twice`;
      const book = this.#books.get(row.sagaId);
      const request = this.#request(transaction, row.messageId);
      if (request === undefined) return "I7: a message is consumed that nobody has asked for";
      if (row.sequence !== undefined && row.sequence !== null && book !== undefined) {
        if (row.sequence !== book.sequence + 1) return `I1: transition ${row.sequence} comes after ${book.sequence}`;
        book.sequence = row.sequence;
        if (request.messageType === "signal.received") book.signals += 1;
        if (request.messageType === "retry.requested") book.retries += 1;
        if (request.messageType === "compensate.requested") book.reversed = true;
        const state = transaction.changesOf(this.#tables.saga).get(row.sagaId)?.state;
        if (request.messageType === "cancel.requested" && !turns(state))
          return "S14: a cancel was taken and has no effect";
      }
      if (row.group === "dispatcher" && row.error) return `S16: the dispatcher cannot apply an event: ${row.errorCode}`;
      if (row.error && !this.#hasFailure(transaction, request)) {
        return `I12: the error of ${request.stepKey} belongs to no failed attempt`;
      }
    }
    return undefined;
  }

  #hasFailure(transaction: Transaction, request: RequestRow): boolean {
    if (request.messageHeaders?.["notify"] === true) return true;
    return requestsIn(transaction, this.#tables).some(
      ({ causationId, messageType }) => causationId === request.messageId && messageType.endsWith(".failed"),
    );
  }

  /** I11: what a handler writes, its consumption and its answer are one commit. */
  #effects(transaction: Transaction): string | undefined {
    for (const [, effect] of transaction.changesOf(this.#tables.effect)) {
      if (effect === null) continue;
      const { stepKey, kind } = effect;
      const answer = kind === "did" ? "step.succeeded" : "compensation.succeeded";
      const requests = requestsIn(transaction, this.#tables);
      const said = requests.find((request) => request.stepKey === stepKey && request.messageType === answer);
      const consumed = [...transaction.changesOf(this.#tables.consumption).values()].filter(
        (row) => row?.consumed && !row.error && this.#request(transaction, row.messageId)?.stepKey === stepKey,
      );
      const notify = consumed.some(
        (row) => this.#request(transaction, row?.messageId ?? "")?.messageHeaders?.["notify"],
      );
      if (consumed.length === 0 || (said === undefined && !notify)) return `I11: the effect of ${stepKey} stands alone`;
      const [sagaId, path] = split(stepKey);
      if (notify && this.#notified.has(stepKey)) return `I2: ${path} took effect twice`;
      if (notify) this.#notified.add(stepKey);
      else if (kind === "did" && this.worldOf(sagaId)?.undone.includes(path)) {
        return `I5: ${path} took effect after its compensation`;
      }
    }
    return undefined;
  }

  readonly #notified = new Set<string>();

  /** I13: a timer fires once each time it is set, and never early. */
  #timersOf(transaction: Transaction): string | undefined {
    for (const [, row] of transaction.changesOf(this.#tables.timer)) {
      if (row === null) continue;
      const name = `${row.saga_id} ${row.name} ${row.dueAt}`;
      const known = this.#timers.get(name) ?? { set: 0, fired: 0 };
      this.#timers.set(name, { ...known, set: known.set + 1 });
    }
    for (const request of requestsIn(transaction, this.#tables)) {
      if (request.messageType !== "timer.fired") continue;
      const { timer, dueAt } = request.messageBody as { timer: string; dueAt: string };
      if (Date.parse(dueAt) > this.#latestMs()) return `I13: timer ${timer} fires early`;
      const name = `${request.correlationId} ${timer} ${dueAt}`;
      const known = this.#timers.get(name) ?? { set: 0, fired: 0 };
      this.#timers.set(name, { ...known, fired: known.fired + 1 });
      if (known.fired + 1 > known.set) return `I13: timer ${timer} fires twice`;
    }
    return undefined;
  }

  #sagas(transaction: Transaction): string | undefined {
    const touched = new Set<string>();
    for (const [sagaId] of transaction.changesOf(this.#tables.saga)) touched.add(sagaId);
    for (const [stepKey] of transaction.changesOf(this.#tables.guard)) touched.add(split(stepKey)[0]);
    for (const [, effect] of transaction.changesOf(this.#tables.effect)) touched.add(split(effect?.stepKey ?? "")[0]);
    for (const sagaId of touched) {
      const book = this.#books.get(sagaId);
      if (book === undefined) continue;
      const violation = this.#move(book, this.#changesOf(transaction, sagaId, book));
      if (violation !== undefined) return violation;
    }
    return undefined;
  }

  #changesOf(transaction: Transaction, sagaId: string, book: Book): Partial<World> {
    const guards = { ...book.world.guards };
    for (const [stepKey, row] of transaction.changesOf(this.#tables.guard)) {
      const [owner, path] = split(stepKey);
      if (owner !== sagaId) continue;
      if (row === null) delete guards[path];
      else guards[path] = row as Guard;
    }
    const statuses = { ...book.world.statuses };
    for (const [, row] of transaction.changesOf(this.#tables.step)) {
      if (row?.sagaId === sagaId && row.path !== "output") statuses[row.path] = row.status;
    }
    const sent = { ...book.world.sent };
    for (const { correlationId, messageType, messageHeaders, stepKey } of requestsIn(transaction, this.#tables)) {
      if (correlationId !== sagaId || messageHeaders?.["notify"] === true || stepKey === null) continue;
      if (messageType !== "step.requested" && messageType !== "compensation.requested") continue;
      const key = `${messageType === "step.requested" ? "step" : "compensation"} ${split(stepKey)[1]}`;
      sent[key] = (sent[key] ?? 0) + 1;
    }
    const row = transaction.changesOf(this.#tables.saga).get(sagaId);
    const saga = row?.state ?? book.world.saga;
    const left = { ...book.world.left, retries: PLENTY - book.retries, signals: PLENTY - book.signals };
    return { guards, statuses, sent, saga, left, ...this.#effectsOf(transaction, sagaId, book.world) };
  }

  #effectsOf(transaction: Transaction, sagaId: string, world: World): Pick<World, "did" | "undone"> {
    const own = [...transaction.changesOf(this.#tables.effect).values()].flatMap((effect) => {
      const [owner, path] = split(effect?.stepKey ?? "");
      return effect === null || owner !== sagaId || this.#notified.has(effect.stepKey)
        ? []
        : [{ path, kind: effect.kind }];
    });
    const of = (kind: "did" | "undone") => own.filter((effect) => effect.kind === kind).map(({ path }) => path);
    return { did: [...world.did, ...of("did")], undone: [...world.undone, ...of("undone")] };
  }

  #move(book: Book, changes: Partial<World>): string | undefined {
    const before = book.world;
    book.world = { ...before, ...changes };
    const view = (world: World): World => ({ ...world, saga: asIfFailed(world.saga, book.reversed) });
    const violation =
      brokenMove(book.model, view(before), view(book.world)) ?? broken(book.model, view(book.world)) ?? undefined;
    if (violation !== undefined) return `${violation} (saga ${book.model.definition.name})`;
    return this.#tellParent(before.saga, book);
  }

  /** For its parent a child that completes is a step that has taken effect, and one that has undone its stack is undone. */
  #tellParent(before: SagaState, { parent, reversed, world: { saga } }: Book): string | undefined {
    if (parent === undefined) return undefined;
    const done = before.status !== "completed" && saga.status === "completed";
    if (done) return this.happened(parent.sagaId, parent.path, "did");
    // What it could not undo its parent lists.
    const ended = reversed && before.reversal !== "done" && saga.reversal === "done";
    const undone = ended && saga.uncompensated.length === 0;
    return undone ? this.happened(parent.sagaId, parent.path, "undone") : undefined;
  }

  #request(transaction: Transaction, messageId: string): RequestRow | undefined {
    return this.#tables.request.get(transaction, messageId);
  }

  /** I7: whoever should have consumed a request has done so. */
  unconsumed(groupOf: (topic: string) => string): string | undefined {
    for (const [messageId, { topic, messageType }] of this.#tables.request.committed()) {
      const row = this.#tables.consumption.committed().get(consumptionKey(groupOf(topic), messageId));
      if (row === undefined || !row.consumed) return `I7: a ${messageType} on ${topic} is not consumed`;
    }
    return undefined;
  }
}

/** Whether a saga goes backward, or will when what it has in progress has ended. */
function turns(state: SagaState | null | undefined): boolean {
  return state?.closing !== undefined || state?.failure !== undefined;
}

/** A child that is taken back must end as one that has failed: everything undone or listed. Its status stays, its duties do not. */
function asIfFailed(saga: SagaState, reversed: boolean): SagaState {
  if (!reversed || saga.status !== "completed") return saga;
  const failure = { code: "reversed", message: "", step: "", kind: "cancelled" } as const;
  return { ...saga, failure, status: saga.reversal === "done" ? "failed" : "compensating" };
}

function isExternal(definition: Definition, path: string): boolean {
  const step = stepAt(definition, path);
  return step?.kind === "command" && step.command.startsWith("bank.");
}

function requestsIn(transaction: Transaction, tables: Tables): RequestRow[] {
  return [...transaction.changesOf(tables.request).values()].filter((row) => row !== null);
}

/** Saga id and path of a step key. */
export function split(stepKey: string): [string, string] {
  const slash = stepKey.indexOf("/");
  return [stepKey.slice(0, slash), stepKey.slice(slash + 1)];
}
