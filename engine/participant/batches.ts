import { failpoint } from "../failpoint.ts";
import { errorCode, isNoOutcome, type Sql, type Tx } from "../timeline/database.ts";
import { guardTx } from "../timeline/guarded-tx.ts";
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
/**
 * How long a slow action goes straight into transactions of its own: doubled each time until it has been quick again in
 * a batch, since on a machine that is short of breath every handler is slow now and then.
 */
const SLOW_FIRST_MS = 1_000;
const SLOW_MOST_MS = 30_000;

/** Messages of a batch that must go alone: the batch is rolled back and run again without them. */
class SetAside extends Error {
  readonly ordinals: readonly number[];

  constructor(ordinals: readonly number[]) {
    super("set aside");
    this.ordinals = ordinals;
  }
}

/** A command of a batch that is to be run. `claimed`: it had been claimed before and has its row in the inbox. */
interface ToRun {
  readonly ordinal: number;
  readonly request: CommandRequest;
  readonly claimed: boolean;
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

/** Many commands in one transaction, handlers strictly one after another (reliability R13a). */
export class Batches {
  readonly #parts: BatchParts;
  readonly #slow = new Map<string, { readonly until: number; readonly forMs: number }>();

  constructor(parts: BatchParts) {
    this.#parts = { ...parts, store: { ...parts.store, loop: "participant" } };
  }

  /** `alone`: it did not end well among the others, or must not be tried among them. */
  async handle(batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = batch.map(() => "alone");
    let rest = batch.map((_delivery, index) => index).filter((index) => this.#mayShare(batch[index] as Delivery));
    rest = withoutBlocked(batch, rest);
    for (let aside = 0; rest.length > 0 && aside < SET_ASIDE_MAX; aside += 1) {
      try {
        const deliveries = rest.map((index) => batch[index] as Delivery);
        const done = await this.#together(deliveries, aside === 0 && areOwn(deliveries));
        for (const [at, index] of rest.entries()) verdicts[index] = done[at] ?? "again";
        return verdicts;
      } catch (error) {
        if (!(error instanceof SetAside)) throw error;
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
    const until = this.#slow.get(action)?.until ?? 0;
    return until < Date.now() && !this.#parts.handlers.isExternal(action);
  }

  async #together(deliveries: readonly Delivery[], own: boolean): Promise<Verdict[]> {
    const { store, pool } = this.#parts;
    let ended: readonly number[] | undefined;
    try {
      const later = await transactOpening(
        store,
        async (unit, epoch) => {
          const began = performance.now();
          const claimed = await this.#claim(unit, epoch, deliveries, own);
          const openedMs = performance.now() - began;
          failpoint("participant", "after-claim");
          const slowMs = Math.min(SLOW_LIMIT_MS, Math.max(SLOW_MS, SLOW_FACTOR * openedMs));
          const ends = await this.#run(unit.tx, deliveries, claimed, slowMs);
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

  async #run(tx: Tx, deliveries: readonly Delivery[], claimed: Claimed, slowMs: number): Promise<Ends> {
    const { toRun, now } = claimed;
    const ends: Ends = { fresh: [], claimed: [], rejected: [] };
    for (const { ordinal, request, claimed: before } of toRun) {
      const result = await this.#call(tx, request, now, { ordinal, slowMs });
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

  async #call(tx: Tx, request: CommandRequest, now: Date, { ordinal, slowMs }: { ordinal: number; slowMs: number }) {
    const limit = limitOf(request, slowMs);
    // One a call: a stray statement of one handler must not run between those of the next.
    const guarded = guardTx(tx, limit.ms);
    try {
      const result = await this.#parts.handlers.run(guarded, request, now, limit);
      this.#slow.delete(request.action);
      if (result.outcome === "succeeded") return result;
      // A rule that said no before anything was written: there is nothing to roll back.
      if (result.outcome === "rejected" && guarded.untouched && isCommand(request)) return result;
    } catch (error) {
      if (isNoOutcome(error) && isDatabase(error)) throw error;
      if (error instanceof TimeOver) this.#remember(request.action);
    } finally {
      guarded.revoke("the handler has returned");
    }
    throw new SetAside([ordinal]);
  }

  #remember(action: string): void {
    const forMs = Math.min(SLOW_MOST_MS, (this.#slow.get(action)?.forMs ?? SLOW_FIRST_MS / 2) * 2);
    this.#slow.set(action, { until: Date.now() + forMs, forMs });
  }
}

/** Somebody waits for its answer, and it undoes nothing. */
function isCommand({ type, headers }: CommandRequest): boolean {
  return type === "step.requested" && !isNotify(headers);
}

/** Driver errors only: a handler's own network trouble is its failure, not the database's. */
export function isDatabase(error: unknown): boolean {
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
