import type { DomainCatalog } from "../core/domain.ts";
import { type Domain, type Log, NotSentError, type RunExternal } from "../sdk.ts";
import { isNoOutcome, type Sql } from "../timeline/database.ts";
import { type GuardedTx, guardTx } from "../timeline/guarded-tx.ts";
import { type Store, transact } from "../timeline/store.ts";
import type { Delivery, Subscription, Verdict } from "../transport/port.ts";
import { Batches, isDatabase } from "./batches.ts";
import { type CallResult, callHandler, failureOf } from "./call.ts";
import { answer, claim, type CommandRequest, contextOf } from "./claimed.ts";
import { Handlers, handledTopics, limitOf } from "./handlers.ts";

const ANSWER_TRIES = 8;
const LANES = 2;
const SINGLES = 24;
const BATCH_MAX = 64;

/** What a participant needs. Two pools, so that slow handlers in transactions of their own never starve the batches. */
export interface ParticipantParts {
  readonly domain: Domain;
  readonly catalog: DomainCatalog;
  readonly store: Store;
  readonly batches: Sql;
  readonly singles: Sql;
  readonly log: Log;
  /** Host and pid. */
  readonly consumer: string;
}

/** Runs a domain's handlers: claim, handler and answer in one transaction for many messages. */
export class Participant {
  readonly #parts: ParticipantParts;
  readonly #group: string;
  readonly #handlers: Handlers;
  readonly #batches: Batches;
  /** Notifications between two attempts, by message id. At most as many as the lanes hold. */
  readonly #notifications = new Map<string, { readonly used: number; readonly notBefore: number }>();

  constructor(parts: ParticipantParts) {
    this.#parts = parts;
    const { domain, catalog, store, batches: pool, log, consumer } = parts;
    this.#group = domain.name;
    this.#handlers = new Handlers(domain, catalog, log);
    this.#batches = new Batches({ group: domain.name, store, pool, handlers: this.#handlers, consumer });
  }

  subscription(): Subscription {
    return {
      group: this.#group,
      topics: handledTopics(this.#parts.domain),
      // Nobody waits for a notification, not even the saga's other commands on the same topic.
      laneOf: (delivery) => (notifyPolicy(delivery) === undefined ? null : (delivery.headers["id"] ?? null)),
      lanes: LANES,
      singles: SINGLES,
      batchMax: BATCH_MAX,
      handle: (batch, alone) => (alone ? this.#alone(batch[0] as Delivery) : this.#batches.handle(batch)),
    };
  }

  async #alone(delivery: Delivery): Promise<readonly Verdict[]> {
    const policy = notifyPolicy(delivery);
    const messageId = delivery.headers["id"] ?? "";
    const told = this.#notifications.get(messageId);
    // Between two attempts of a notification its message goes back to the lanes: a pause here would hold a lane.
    if (told !== undefined && told.notBefore > Date.now()) return ["later"];
    const external = this.#handlers.isExternal(delivery.headers["action"] ?? "");
    const failed = external ? await this.#external(delivery, policy) : await this.#transactional(delivery);
    const used = (told?.used ?? 0) + 1;
    if (failed !== undefined && policy !== undefined && mayTryAgain(failed, policy, used)) {
      const pauseMs = Math.min(policy.maxMs, policy.backoffMs * policy.factor ** (used - 1));
      this.#notifications.set(messageId, { used, notBefore: Date.now() + pauseMs });
      return ["later"];
    }
    this.#notifications.delete(messageId);
    if (failed !== undefined) await this.#answerFailure(delivery, failed, external);
    return ["done"];
  }

  /** One message, one transaction. Returns how it failed, everything rolled back; undefined: committed or nothing to do. */
  async #transactional(delivery: Delivery): Promise<Failure | undefined> {
    let failed: Failure | undefined;
    const rollBack = new Error("rolled back");
    try {
      await transact(
        this.#parts.store,
        async (unit) => {
          const { claims, now } = await claim(unit, this.#group, [delivery], this.#parts.consumer, false);
          const request = claims[0]?.request;
          if (request === null || request === undefined) return;
          const guarded = guardTx(unit.tx, limitOf(request).ms);
          const result = await this.#attempt(guarded, request, now);
          guarded.revoke("the handler has returned");
          if (result.outcome !== "succeeded") {
            failed = result;
            throw rollBack;
          }
          await answer(unit, this.#group, [{ request, result }], this.#parts.consumer);
        },
        this.#parts.singles,
      );
      return undefined;
    } catch (error) {
      if (error === rollBack) return failed;
      if (isNoOutcome(error)) throw error;
      return failureOf(error);
    }
  }

  async #attempt(guarded: GuardedTx, request: CommandRequest, now: Date): Promise<CallResult> {
    try {
      return await this.#handlers.run(guarded, request, now, limitOf(request));
    } catch (error) {
      if (isNoOutcome(error) && isDatabase(error)) throw error;
      return failureOf(error);
    }
  }

  /**
   * Claim and `started` are committed before the call, the answer after it: no transaction is open meanwhile. Returns
   * the failure of a notification, which may be tried again; every other outcome is answered here.
   */
  async #external(delivery: Delivery, policy: NotifyPolicy | undefined): Promise<Failure | undefined> {
    const { store, singles, consumer } = this.#parts;
    const { claims, now } = await transact(
      store,
      (unit) => claim(unit, this.#group, [delivery], consumer, true),
      singles,
    );
    const request = claims[0]?.request;
    if (request === null || request === undefined) return undefined;
    const result = await this.#callExternal(request, now);
    if (result.outcome !== "succeeded" && policy !== undefined) return result;
    const put = (outcome: CallResult) =>
      transact(store, (unit) => answer(unit, this.#group, [{ request, result: outcome }], consumer), singles);
    try {
      await persistently(() => put(result));
    } catch (error) {
      if (isNoOutcome(error)) throw error;
      // What it returned cannot be kept. The call is over and may have taken effect: it must not be made again for this.
      await put({ ...failureOf(error), outcome: "unknown", code: "step.output", retryable: false });
    }
    return undefined;
  }

  async #callExternal(request: CommandRequest, now: Date): Promise<CallResult> {
    const described = this.#handlers.describe(request);
    if ("outcome" in described) return described;
    const { action, input } = described;
    const abort = new AbortController();
    const run = this.#handlers.step(request.action)?.run as unknown as RunExternal<unknown, unknown>;
    const context = contextOf(request, { now, signal: abort.signal, log: this.#handlers.logOf(request) });
    const limit = limitOf(request);
    try {
      const result = await callHandler(action, limit, abort, () => run(input, context));
      // It returned something that breaks its schema: the call was made.
      return result.outcome === "failed" ? { ...result, outcome: "unknown" } : result;
    } catch (error) {
      const failed = failureOf(error);
      // Only NotSentError knows that the other side received nothing; anything else may have arrived (S3).
      return error instanceof NotSentError ? failed : { ...failed, outcome: "unknown" };
    }
  }

  /** The failed attempt is rolled back: claim again in a new transaction, and answer if it still says run. */
  async #answerFailure(delivery: Delivery, result: Failure, external: boolean): Promise<void> {
    const { store, singles, consumer, log } = this.#parts;
    await transact(
      store,
      async (unit) => {
        const { claims } = await claim(unit, this.#group, [delivery], consumer, external);
        const request = claims[0]?.request;
        if (request === null || request === undefined) return;
        await answer(unit, this.#group, [{ request, result }], consumer);
        if (result.outcome !== "rejected") {
          log.warn(`${this.#group}.${request.action} failed: ${result.message}`, {
            code: result.code,
            stepKey: request.stepKey,
            attempt: request.attempt,
          });
        }
      },
      singles,
    );
  }
}

/** An answer that the database could not take just now is kept and tried again: the call must not be made once more for it. */
async function persistently<T>(put: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await put();
    } catch (error) {
      if (!isNoOutcome(error) || tries >= ANSWER_TRIES) throw error;
      await Bun.sleep(Math.min(5_000, 100 * 2 ** tries));
    }
  }
}

/** Everything but success. */
type Failure = Exclude<CallResult, { outcome: "succeeded" }>;

interface NotifyPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly never: readonly string[];
}

function mayTryAgain(failed: Failure, policy: NotifyPolicy, used: number): boolean {
  return (
    failed.outcome !== "rejected" && failed.retryable && !policy.never.includes(failed.code) && used < policy.attempts
  );
}

/** The retry policy that a notify step carries in its one message. */
function notifyPolicy(delivery: Delivery): NotifyPolicy | undefined {
  const text = delivery.headers["headers"];
  if (text === undefined || text === null) return undefined;
  try {
    const headers = JSON.parse(text) as { notify?: boolean; retry?: NotifyPolicy & { attempts: number | "forever" } };
    if (headers.notify !== true || headers.retry === undefined) return undefined;
    const { attempts, ...policy } = headers.retry;
    return { ...policy, attempts: typeof attempts === "number" ? attempts : Number.POSITIVE_INFINITY };
  } catch {
    // A foreign message: the claim refuses it in a moment.
    return undefined;
  }
}
