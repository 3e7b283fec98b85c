import type { DomainCatalog } from "../core/domain.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { withoutPayload } from "../core/mask.ts";
import { retryDelayMs } from "../core/retry.ts";
import { failpoint, type WritingLoop } from "../failpoint.ts";
import { type Domain, type Log, NotSentError, type RunExternal } from "../sdk.ts";
import { errorCode, isNoOutcome, type Sql } from "../timeline/database.ts";
import { type GuardedTx, guardTx } from "../timeline/guarded-tx.ts";
import { type Store, transact, type Unit } from "../timeline/store.ts";
import { claimMessage } from "../transport/foreign.ts";
import { type Delivery, placed, type Subscription, type Verdict } from "../transport/port.ts";
import { Batches, isDatabase } from "./batches.ts";
import { type CallResult, callHandler, type Failed, failureOf } from "./call.ts";
import { answer, claimOne, type CommandRequest, contextOf, Early } from "./claimed.ts";
import { Handlers, handledTopics, limitOf } from "./handlers.ts";
import { isNotify, mayTryAgain, type NotifyPolicy, notifyPolicy } from "./notify-policy.ts";

const ANSWER_TRIES = 8;
const LANES = 2;
const SINGLES = 24;
/**
 * External calls in progress at once; more wait for their turn. Fewer than may go alone: calls that hang must not keep
 * those waiting that need a transaction of their own, as every rejection does.
 */
const CALLS_MAX = 20;
const BATCH_MAX = 64;
/** When a message comes again whose request cannot be seen yet, milliseconds. */
const EARLY_MS = 200;

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

  /** External messages in hand: claimed, called, not answered yet. */
  #calls = 0;

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
      laneOf: (delivery) => (isNotification(delivery) ? (delivery.headers["id"] ?? null) : null),
      mayBegin: (delivery) => this.#calls < CALLS_MAX || !this.#isExternal(delivery),
      laterMs: (delivery) => this.#pauseOf(delivery),
      lanes: LANES,
      singles: SINGLES,
      batchMax: BATCH_MAX,
      awaitsPlaces: true,
      knowsOwn: true,
      handle: (batch, alone) => (alone ? this.#alone(batch[0] as Delivery) : this.#batches.handle(batch)),
    };
  }

  /** Until the next try of a notification; what cannot be seen yet comes again in a moment. */
  #pauseOf({ headers }: Delivery): number {
    const told = this.#notifications.get(headers["id"] ?? "");
    return Math.max(EARLY_MS, (told?.notBefore ?? 0) - Date.now());
  }

  #store(loop: WritingLoop): Store {
    return { ...this.#parts.store, loop };
  }

  #isExternal(delivery: Delivery): boolean {
    // The claim believes this header only if the event store says the same.
    return this.#handlers.isExternal(delivery.headers["action"] ?? "");
  }

  async #alone(delivery: Delivery): Promise<readonly Verdict[]> {
    const external = this.#isExternal(delivery);
    // Counted before anything is waited for: the lanes ask `mayBegin` for the next one in this very turn.
    if (external) this.#calls += 1;
    try {
      await placed([delivery]);
      return await this.#runAlone(delivery);
    } catch (error) {
      if (error instanceof Early) return ["later"];
      // A claim or an answer that somebody else has made meanwhile (55000) is judged anew.
      if (isNoOutcome(error) || errorCode(error) === "55000") throw error;
      await this.#recordFailure(delivery, failureOf(error));
      return ["done"];
    } finally {
      if (external) this.#calls -= 1;
    }
  }

  /** The row itself cannot be worked with, whatever the handler does: without an error row it would come again for ever. */
  async #recordFailure(delivery: Delivery, { code, message, stack }: Failed): Promise<void> {
    const { singles, consumer, log } = this.#parts;
    const place = singles.json(claimMessage(delivery, consumer) as never);
    await singles`select timeline.fail_consumption(${this.#group}, ${place}, ${code}, ${message}, ${stack ?? null})`;
    log.error(`a message of ${delivery.topic} could be neither run nor answered`, {
      code,
      message: withoutPayload(message, payloadOf(delivery)),
    });
  }

  async #runAlone(delivery: Delivery): Promise<readonly Verdict[]> {
    const messageId = delivery.headers["id"] ?? "";
    const told = this.#notifications.get(messageId);
    // Between two attempts of a notification its message goes back to the lanes: a pause here would hold a lane.
    if (told !== undefined && told.notBefore > Date.now()) return ["later"];
    const external = this.#isExternal(delivery);
    const attempt = external ? await this.#external(delivery) : await this.#transactional(delivery);
    const used = (told?.used ?? 0) + 1;
    if (attempt?.policy !== undefined && mayTryAgain(attempt.failure, attempt.policy, used)) {
      const pause = retryDelayMs(attempt.policy, used, messageId);
      this.#notifications.set(messageId, { used, notBefore: Date.now() + pause });
      if (used === 1) this.#logRetry(delivery, attempt.failure, pause);
      await this.#recordTry(delivery, attempt.failure, external);
      return ["later"];
    }
    this.#notifications.delete(messageId);
    if (attempt !== undefined) await this.#answerFailure(delivery, attempt);
    return ["done"];
  }

  #logRetry(delivery: Delivery, { code, message }: Failure, pause: number): void {
    const what = `${this.#group}.${delivery.headers["action"]} failed and is tried again in ${pause} ms`;
    this.#parts.log.warn(`${what}: ${withoutPayload(message, payloadOf(delivery))}`, { ...idsOf(delivery), code });
  }

  /** What the try did is rolled back, and nobody awaits an answer. It is not given up: no error row. `claimed`: its claim has committed. */
  async #recordTry(delivery: Delivery, failure: Failure, claimed: boolean): Promise<void> {
    const { store, singles, consumer, log } = this.#parts;
    const { code, message } = failure;
    const stack = "stack" in failure ? failure.stack : null;
    const record = ({ tx }: Unit) => {
      const place = tx.json(claimMessage(delivery, consumer) as never);
      return tx`select timeline.fail_try(${this.#group}, ${place}, ${claimed}, ${code}, ${message}, ${stack ?? null})`;
    };
    try {
      await transact(store, record, singles);
    } catch (error) {
      // The next try comes when it is due, and not sooner for this.
      log.warn(`a failed try of ${this.#group} could not be recorded`, { ...idsOf(delivery), error });
    }
  }

  /** One message, one transaction. Returns how it failed, everything rolled back; undefined: committed or nothing to do. */
  async #transactional(delivery: Delivery): Promise<FailedAttempt | undefined> {
    let failed: Failure | undefined;
    let policy: NotifyPolicy | undefined;
    const rollBack = new Error("rolled back");
    try {
      await transact(
        this.#store("single"),
        async (unit) => {
          const { request, now } = await claimOne(unit, this.#group, delivery, this.#parts.consumer, false);
          failpoint("single", "after-claim");
          if (request === null) return;
          policy = notifyPolicy(request.headers);
          const guarded = guardTx(unit.tx, limitOf(request).ms, { of: this.#handlers.nameOf(request) });
          const result = await this.#attempt(guarded, request, now);
          guarded.revoke("the handler has returned");
          failpoint("single", "after-effect");
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
      if (error === rollBack && failed !== undefined) return { failure: failed, policy };
      if (isNoOutcome(error) || error instanceof Early) throw error;
      return { failure: failureOf(error), policy };
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
  async #external(delivery: Delivery): Promise<FailedAttempt | undefined> {
    const { singles, consumer } = this.#parts;
    const claimed = (unit: Unit) => claimOne(unit, this.#group, delivery, consumer, true);
    const { request, now } = await transact(this.#parts.store, claimed, singles);
    failpoint("external", "after-claim");
    if (request === null) return undefined;
    const result = await this.#callExternal(request, now);
    failpoint("external", "after-effect");
    const policy = notifyPolicy(request.headers);
    if (result.outcome !== "succeeded" && policy !== undefined) return { failure: result, policy, claimed: request };
    const put = (outcome: CallResult) =>
      transact(
        this.#store("external"),
        (unit) => answer(unit, this.#group, [{ request, result: outcome }], consumer),
        singles,
      );
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
      const result = await callHandler(action, limit, abort, () => run(input, context), this.#handlers.nameOf(request));
      // It returned something that breaks its schema: the call was made.
      return result.outcome === "failed" ? { ...result, outcome: "unknown" } : result;
    } catch (error) {
      const failed = failureOf(error);
      // Only NotSentError knows that the other side received nothing; anything else may have arrived (S3).
      return error instanceof NotSentError ? failed : { ...failed, outcome: "unknown" };
    }
  }

  /** A failed attempt that was rolled back is claimed again in a new transaction, and answered if it is still to run. */
  async #answerFailure(delivery: Delivery, { failure: result, claimed }: FailedAttempt): Promise<void> {
    const { singles, consumer, log } = this.#parts;
    const put = async (unit: Unit) => {
      const request = claimed ?? (await claimOne(unit, this.#group, delivery, consumer, false)).request;
      failpoint("failure", "after-claim");
      if (request === null) return;
      await answer(unit, this.#group, [{ request, result }], consumer);
      if (result.outcome !== "rejected") {
        log.warn(`${this.#group}.${request.action} failed: ${withoutPayload(result.message, request.body as Json)}`, {
          ...idsOf(delivery),
          code: result.code,
          attempt: request.attempt,
        });
      }
    };
    const once = () => transact(this.#store("failure"), put, singles);
    // The call is over: it must not be made once more because its answer could not be written.
    await (claimed === undefined ? once() : persistently(once));
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

/** An attempt that failed, and how to try again when nobody awaits its answer. */
interface FailedAttempt {
  readonly failure: Failure;
  readonly policy: NotifyPolicy | undefined;
  /** Of an external call: its claim has committed. */
  readonly claimed?: CommandRequest;
}

/** What a line of the log says of a message that was claimed: its key is the saga's id. */
function idsOf({ key, headers }: Delivery) {
  return { sagaId: key, stepKey: headers["step_key"], messageId: headers["id"] };
}

function payloadOf({ value }: Delivery): Json {
  try {
    return JSON.parse(value ?? "null") as Json;
  } catch {
    return value;
  }
}

/** Which queue it takes is all that hangs on this header; the policy itself is read from the event store. */
function isNotification(delivery: Delivery): boolean {
  const text = delivery.headers["headers"];
  if (text === undefined || text === null) return false;
  try {
    const headers: unknown = JSON.parse(text);
    return isNotify(isJsonObject(headers as Json) ? (headers as JsonObject) : null);
  } catch {
    // A foreign message: the claim refuses it in a moment.
    return false;
  }
}
