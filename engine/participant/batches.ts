import { failpoint } from "../failpoint.ts";
import { errorCode, isNoOutcome, isRefusedLogin, type Sql, type Tx } from "../timeline/database.ts";
import { type GuardedTx, guardTx } from "../timeline/guarded-tx.ts";
import { type Store, transactOpening, type Unit } from "../timeline/store.ts";
import { type Delivery, placed, type Verdict } from "../transport/port.ts";
import { type CallResult, TimeOver } from "./call.ts";
import {
  answer,
  areOwn,
  claim,
  close,
  type CommandRequest,
  type Ended,
  open,
  type Opened,
  openOwn,
  recordForeign,
} from "./claimed.ts";
import { type Handlers, limitOf } from "./handlers.ts";
import { isNotify } from "./notify-policy.ts";
import { type Called, callAll, CallStatements, Pipelining } from "./pipelining.ts";
import { Rests } from "./rests.ts";

/** A handler that takes longer holds its batch up: it is set aside into a transaction of its own. */
const SLOW_MS = 250;
/**
 * Or so many times as long as the engine's own statements took to open the batch, at most this: where all is slow, each
 * handler that is set aside makes the others run again, and a machine short of breath would do nothing else.
 */
const SLOW_FACTOR = 5;
const SLOW_LIMIT_MS = 2_000;
/** After this many set aside, the rest of a batch goes one by one: each setting aside runs the others again. */
const SET_ASIDE_MAX = 3;

/** Messages of a batch that must go alone: the batch is rolled back and run again without them. */
class SetAside extends Error {
  readonly ordinals: readonly number[];

  constructor(ordinals: readonly number[]) {
    super("set aside");
    this.ordinals = ordinals;
  }
}

/** Handlers whose statements were sent behind one another cannot be told apart: they are run one after another. */
class NotPipelined extends Error {
  constructor() {
    super("not pipelined");
  }
}

/** A command of a batch that is to be run. `claimed`: it had been claimed before and has its row in the inbox. */
interface ToRun {
  readonly ordinal: number;
  readonly request: CommandRequest;
  readonly claimed: boolean;
}

/** How a batch is tried: as this process's own work, and with its handlers' statements behind one another. */
interface How {
  readonly own: boolean;
  readonly pipelined: boolean;
}

/** What is to be run of a batch, and by ordinal what is not: it stands behind the same step in it, or cannot be seen yet. */
interface Claimed {
  readonly toRun: readonly ToRun[];
  readonly later: ReadonlyMap<number, Verdict>;
  readonly now: Date;
  readonly xid: string;
}

/** How the commands of a batch ended: new ones that succeeded, those claimed before, and new ones that were rejected. */
interface Ends {
  readonly fresh: Ended[];
  readonly claimed: { readonly request: CommandRequest; readonly result: CallResult }[];
  readonly rejected: { readonly delivery: Delivery; readonly result: CallResult }[];
}

/** What batches need: the group's name, its store, a pool, its handlers, and who consumes. */
export interface BatchParts {
  readonly group: string;
  readonly store: Store;
  readonly pool: Sql;
  readonly handlers: Handlers;
  /** Host and pid. */
  readonly consumer: string;
}

/**
 * Many commands in one transaction, handlers strictly one after another (reliability R13a): each is called when the one
 * before it has ended, or has sent the one statement that such handlers send (`Pipelining`).
 */
export class Batches {
  readonly #parts: BatchParts;
  readonly #pipelining = new Pipelining();
  /** Slow actions, which go straight into transactions of their own. */
  readonly #slow = new Rests();

  constructor(parts: BatchParts) {
    this.#parts = { ...parts, store: { ...parts.store, loop: "participant" } };
  }

  /** `alone`: it did not end well among the others, or must not be tried among them. */
  async handle(batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = batch.map(() => "alone");
    let rest = batch.map((_delivery, index) => index).filter((index) => this.#mayShare(batch[index] as Delivery));
    rest = withoutBlocked(batch, rest);
    let how: How = { own: true, pipelined: true };
    for (let aside = 0; rest.length > 0 && aside < SET_ASIDE_MAX; ) {
      try {
        const deliveries = rest.map((index) => batch[index] as Delivery);
        const done = await this.#together(deliveries, how);
        for (const [at, index] of rest.entries()) verdicts[index] = done[at] ?? "again";
        return verdicts;
      } catch (error) {
        how = { own: false, pipelined: false };
        if (error instanceof NotPipelined) continue;
        if (!(error instanceof SetAside)) throw error;
        aside += 1;
        const gone = new Set(error.ordinals.map((ordinal) => rest[ordinal]));
        rest = withoutBlocked(
          batch,
          rest.filter((index) => !gone.has(index)),
        );
      }
    }
    return verdicts;
  }

  /** External calls hold no transaction, and slow ones would hold up the others. */
  #mayShare(delivery: Delivery): boolean {
    const action = delivery.headers["action"] ?? "";
    return !this.#slow.isResting(action) && !this.#parts.handlers.isExternal(action);
  }

  async #together(deliveries: readonly Delivery[], how: How): Promise<Verdict[]> {
    const { store, pool } = this.#parts;
    let ended: readonly number[] | undefined;
    try {
      const later = await transactOpening(
        store,
        async (unit, epoch) => {
          const began = performance.now();
          const claimed = await this.#claim(unit, epoch, deliveries, how.own && areOwn(deliveries));
          const openedMs = performance.now() - began;
          failpoint("participant", "after-claim");
          const slowMs = Math.min(SLOW_LIMIT_MS, Math.max(SLOW_MS, SLOW_FACTOR * openedMs));
          const ends = await this.#run(unit.tx, deliveries, claimed, { slowMs, pipelined: how.pipelined });
          await placed(deliveries);
          failpoint("participant", "after-effect");
          ended = claimed.toRun.map(({ ordinal }) => ordinal);
          await this.#end(unit, ends);
          return { xid: claimed.xid, value: claimed.later };
        },
        pool,
      );
      return deliveries.map((_delivery, ordinal) => later.get(ordinal) ?? "done");
    } catch (error) {
      // Ended together they fail: an output that cannot be kept, a message that was taken meanwhile, a deferred constraint.
      if (ended === undefined || isNoOutcome(error)) throw error;
      throw new SetAside(ended);
    }
  }

  async #run(
    tx: Tx,
    deliveries: readonly Delivery[],
    { toRun, now }: Claimed,
    { slowMs, pipelined }: { readonly slowMs: number; readonly pipelined: boolean },
  ): Promise<Ends> {
    const ends: Ends = { fresh: [], claimed: [], rejected: [] };
    const results =
      pipelined && this.#mayPipeline(toRun, slowMs) ? await this.#pipelined(tx, toRun, now, slowMs) : null;
    for (const [at, { ordinal, request, claimed: before }] of toRun.entries()) {
      const result = results?.[at] ?? (await this.#call(tx, request, now, { ordinal, slowMs }));
      const delivery = deliveries[ordinal] as Delivery;
      if (before) ends.claimed.push({ request, result });
      else if (result.outcome === "succeeded")
        ends.fresh.push({ request, delivery, output: result.output, startedAt: now });
      else ends.rejected.push({ delivery, result });
    }
    return ends;
  }

  /** Opens what nobody has claimed; whatever else there is goes through the whole claim. */
  async #claim(unit: Unit, epoch: number | null, deliveries: readonly Delivery[], own: boolean): Promise<Claimed> {
    const { group, consumer } = this.#parts;
    const opened = await (own ? openOwn : open)(unit, group, deliveries, epoch);
    const later = new Map<number, Verdict>();
    const toRun: ToRun[] = opened
      .filter(({ verdict }) => verdict === "run")
      .map(({ ordinal, request }) => ({ ordinal, request, claimed: false }));
    for (const { ordinal, verdict } of opened) {
      if (verdict === "later") later.set(ordinal, "alone");
      if (verdict === "early") later.set(ordinal, "later");
      if (verdict === "foreign") await recordForeign(unit.tx, group, deliveries[ordinal] as Delivery, consumer);
    }
    const others = opened.filter(({ verdict }) => verdict === "claim").map(({ ordinal }) => ordinal);
    if (others.length > 0) {
      const these = others.map((ordinal) => deliveries[ordinal] as Delivery);
      const { claims } = await claim(unit, group, these, consumer, false);
      for (const { ordinal: at, verdict, request } of claims) {
        const ordinal = others[at] as number;
        if (verdict === "later") later.set(ordinal, "alone");
        if (request !== null) toRun.push({ ordinal, request, claimed: true });
      }
    }
    toRun.sort((left, right) => left.ordinal - right.ordinal);
    const { now, xid } = opened[0] as Opened;
    return { toRun, later, now, xid };
  }

  async #end(unit: Unit, { fresh, claimed, rejected }: Ends): Promise<void> {
    const { group, consumer } = this.#parts;
    close(unit, group, fresh, consumer);
    const answers = [...claimed];
    if (rejected.length > 0) {
      const these = rejected.map(({ delivery }) => delivery);
      const { claims } = await claim(unit, group, these, consumer, false);
      for (const { ordinal, request } of claims) {
        if (request === null) throw new Error("a command that was opened could not be claimed");
        answers.push({ request, result: (rejected[ordinal] as Ends["rejected"][number]).result });
      }
    }
    await answer(unit, group, answers, consumer);
  }

  /** A step whose own limit is shorter than a batch may stand still must be told apart. */
  #mayPipeline(toRun: readonly ToRun[], slowMs: number): boolean {
    const may = ({ request }: ToRun) => this.#pipelining.may(request.action) && limitOf(request).ms > slowMs;
    return toRun.length > 1 && toRun.every(may);
  }

  /**
   * Calls each handler when the one before it has sent its statement. Whatever goes wrong is found out one by one.
   * @throws NotPipelined, or SetAside for those that were rejected after they had written
   */
  async #pipelined(tx: Tx, toRun: readonly ToRun[], now: Date, stallMs: number): Promise<readonly CallResult[]> {
    const requests = toRun.map(({ request }) => request);
    const { called, stalled } = await callAll(this.#parts.handlers, tx, requests, now, stallMs);
    const actions = new Set(requests.map(({ action }) => action));
    const several = called.filter(({ statements }) => statements.several);
    const results = called.flatMap(({ end }) => (end?.status === "fulfilled" ? [end.value] : []));
    const isFailed = stalled || called.some(({ statements }) => statements.failed);
    if (isFailed || several.length > 0 || results.length < requests.length) {
      // A handler that asks once more because its statement failed does so only then.
      if (isFailed || several.length === 0) this.#pipelining.rest(actions);
      else for (const { request } of several) this.#pipelining.refuse(request.action);
      const lost = stalled || several.length > 0 ? undefined : lossOf(called);
      throw lost ?? new NotPipelined();
    }
    const aside = toRun.filter(({ request }, at) => {
      return !isGood(results[at] as CallResult, request, (called[at] as Called).guarded);
    });
    if (aside.length > 0) throw new SetAside(aside.map(({ ordinal }) => ordinal));
    for (const action of actions) {
      this.#pipelining.praise(action);
      this.#slow.wake(action);
    }
    return results;
  }

  async #call(tx: Tx, request: CommandRequest, now: Date, { ordinal, slowMs }: { ordinal: number; slowMs: number }) {
    const limit = limitOf(request, slowMs);
    const statements = new CallStatements(true);
    // One a call: a stray statement of one handler must not run between those of the next.
    const guarded = guardTx(tx, limit.ms, { admit: statements.admit, of: this.#parts.handlers.nameOf(request) });
    try {
      const result = await this.#parts.handlers.run(guarded, request, now, limit);
      this.#slow.wake(request.action);
      if (isGood(result, request, guarded)) {
        this.#pipelining.learn(request.action, statements);
        return result;
      }
    } catch (error) {
      if (isNoOutcome(error) && isDatabase(error)) throw error;
      if (error instanceof TimeOver) this.#slow.rest(request.action);
    } finally {
      guarded.revoke("the handler has returned");
    }
    throw new SetAside([ordinal]);
  }
}

/** It succeeded, or a rule said no before anything was written: there is nothing to roll back. */
function isGood({ outcome }: CallResult, request: CommandRequest, guarded: GuardedTx): boolean {
  return outcome === "succeeded" || (outcome === "rejected" && guarded.untouched && isCommand(request));
}

/** The database's own trouble, if one of the calls met it. */
function lossOf(called: readonly Called[]): unknown {
  const errors = called.flatMap(({ end }) => (end?.status === "rejected" ? [end.reason as unknown] : []));
  return errors.find((error) => isNoOutcome(error) && isDatabase(error));
}

/** Somebody waits for its answer, and it undoes nothing. */
function isCommand({ type, headers }: CommandRequest): boolean {
  return type === "step.requested" && !isNotify(headers);
}

/**
 * Driver errors only: a handler's own network trouble is its failure, not the database's. So is a login that is refused
 * while a handler runs: the engine's transaction is open, and it is a client of the handler's own that was not let in.
 */
export function isDatabase(error: unknown): boolean {
  if (isRefusedLogin(error)) return false;
  return (
    (error instanceof Error && error.name === "PostgresError") || (errorCode(error) ?? "").startsWith("CONNECTION_")
  );
}

/** Leaves out what stands behind a message of the same key that is left out. */
function withoutBlocked(batch: readonly Delivery[], rest: readonly number[]): number[] {
  const kept = new Set(rest);
  const blocked = new Set<string>();
  for (const [index, delivery] of batch.entries()) {
    if (delivery.key === null) continue;
    if (!kept.has(index)) blocked.add(delivery.key);
    else if (blocked.has(delivery.key)) kept.delete(index);
  }
  return rest.filter((index) => kept.has(index));
}
