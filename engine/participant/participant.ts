import type { ActionDescription, DomainCatalog } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { type Domain, type Log, NotSentError, type Run, type RunExternal, type StepSpec } from "../sdk.ts";
import { errorCode, isNoOutcome, type Sql, type Tx } from "../timeline/database.ts";
import { type Store, transact } from "../timeline/store.ts";
import type { Delivery, Subscription, Verdict } from "../transport/port.ts";
import { type CallResult, callHandler, failureOf, parseInput, TimeOver } from "./call.ts";
import { answer, type Claim, claim, type CommandRequest, contextOf } from "./claimed.ts";
import { type GuardedTx, guardTx } from "../timeline/guarded-tx.ts";

const ANSWER_TRIES = 8;
const LANES = 2;
const SINGLES = 24;
const BATCH_MAX = 64;
/** A handler that takes longer holds its batch up: it is set aside into a transaction of its own. */
const SLOW_MS = 150;
/** After this many set aside, the rest of a batch goes one by one: each setting aside runs the others again. */
const SET_ASIDE_MAX = 3;
/** How long a slow action goes straight into transactions of its own. */
const SLOW_REMEMBERED_MS = 30_000;

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

/** One message of a batch that must go alone: the batch is rolled back and run again without it. */
class SetAside extends Error {
  readonly ordinals: readonly number[];

  constructor(ordinals: readonly number[]) {
    super("set aside");
    this.ordinals = ordinals;
  }
}

/** Runs a domain's handlers: claim, handler and answer in one transaction for many messages. */
export class Participant {
  readonly #parts: ParticipantParts;
  readonly #group: string;
  readonly #slow = new Map<string, number>();
  /** Notifications between two attempts, by message id. At most as many as the lanes hold. */
  readonly #notifications = new Map<string, { readonly used: number; readonly notBefore: number }>();

  constructor(parts: ParticipantParts) {
    this.#parts = parts;
    this.#group = parts.domain.name;
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
      handle: (batch, alone) => (alone ? this.#alone(batch[0] as Delivery) : this.#batch(batch)),
    };
  }

  async #batch(batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = batch.map(() => "alone");
    let rest = batch.map((_delivery, index) => index).filter((index) => this.#mayShare(batch[index] as Delivery));
    rest = withoutBlocked(batch, rest);
    for (let aside = 0; rest.length > 0 && aside < SET_ASIDE_MAX; aside += 1) {
      try {
        const done = await this.#together(rest.map((index) => batch[index] as Delivery));
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
    const until = this.#slow.get(action) ?? 0;
    return until < Date.now() && this.#step(action)?.external !== true;
  }

  #step(action: string): StepSpec | undefined {
    return Object.hasOwn(this.#parts.domain.steps, action) ? this.#parts.domain.steps[action] : undefined;
  }

  /** Many messages in one transaction, handlers strictly one after another (reliability R13a). */
  async #together(deliveries: readonly Delivery[]): Promise<Verdict[]> {
    return transact(
      this.#parts.store,
      async (unit) => {
        const { claims, now } = await claim(unit, this.#group, deliveries, this.#parts.consumer, false);
        const runs = claims.filter((row): row is Claim & { request: CommandRequest } => row.request !== null);
        const answers: { request: CommandRequest; result: CallResult }[] = [];
        for (const { ordinal, request } of runs) {
          const result = await this.#inBatch(unit.tx, request, now, ordinal);
          answers.push({ request, result });
        }
        await answer(unit, this.#group, answers, this.#parts.consumer).catch((error: unknown) => {
          if (isNoOutcome(error)) throw error;
          throw new SetAside(runs.map(({ ordinal }) => ordinal));
        });
        return claims.map(({ verdict }) => (verdict === "later" ? "alone" : "done"));
      },
      this.#parts.batches,
    );
  }

  async #inBatch(tx: Tx, request: CommandRequest, now: Date, ordinal: number): Promise<CallResult> {
    // One a call: a stray statement of one handler must not run between those of the next.
    const guarded = guardTx(tx);
    try {
      const limit = deliveriesLimit(request, SLOW_MS);
      const result = await this.#run(guarded, request, now, limit);
      if (result.outcome === "succeeded") return result;
    } catch (error) {
      if (isNoOutcome(error) && isDatabase(error)) throw error;
      if (error instanceof TimeOver) this.#slow.set(request.action, Date.now() + SLOW_REMEMBERED_MS);
    } finally {
      guarded.revoke("the handler has returned");
    }
    throw new SetAside([ordinal]);
  }

  async #run(guarded: GuardedTx, request: CommandRequest, now: Date, limit: Limit): Promise<CallResult> {
    const described = this.#describe(request);
    if ("outcome" in described) return described;
    const { action, input } = described;
    const abort = new AbortController();
    // Before the handler hears of it: what it writes in its last moments must not reach the connection.
    abort.signal.addEventListener("abort", () => guarded.revoke("its time has run out"));
    const run = runOf(this.#step(request.action));
    const context = contextOf(request, { now, signal: abort.signal, log: this.#logOf(request) });
    return callHandler(action, limit, abort, () => run(guarded.tx, input, context));
  }

  #describe(request: CommandRequest): { readonly action: ActionDescription; readonly input: Json } | CallResult {
    const action = this.#parts.catalog.actions.get(`${this.#group}.${request.action}`);
    if (action === undefined || !isHandled(this.#step(request.action))) {
      const message = `domain ${this.#group} has no handler for ${request.action}`;
      return { outcome: "failed", code: "step.no-handler", message, retryable: true };
    }
    const parsed = parseInput(action, request.body.input);
    return "outcome" in parsed ? parsed : { action, input: parsed.input };
  }

  #logOf(request: CommandRequest): Log {
    const { log } = this.#parts;
    const ids = { sagaId: request.sagaId, stepKey: request.stepKey, messageId: request.messageId };
    return {
      info: (message, fields) => log.info(message, { ...ids, ...fields }),
      warn: (message, fields) => log.warn(message, { ...ids, ...fields }),
      error: (message, fields) => log.error(message, { ...ids, ...fields }),
    };
  }

  async #alone(delivery: Delivery): Promise<readonly Verdict[]> {
    const policy = notifyPolicy(delivery);
    const messageId = delivery.headers["id"] ?? "";
    const told = this.#notifications.get(messageId);
    // Between two attempts of a notification its message goes back to the lanes: a pause here would hold a lane.
    if (told !== undefined && told.notBefore > Date.now()) return ["later"];
    const external = this.#step(delivery.headers["action"] ?? "")?.external === true;
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
          const guarded = guardTx(unit.tx);
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
      return await this.#run(guarded, request, now, deliveriesLimit(request, Number.POSITIVE_INFINITY));
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
    const described = this.#describe(request);
    if ("outcome" in described) return described;
    const { action, input } = described;
    const abort = new AbortController();
    const run = this.#step(request.action)?.run as unknown as RunExternal<unknown, unknown>;
    const context = contextOf(request, { now, signal: abort.signal, log: this.#logOf(request) });
    const limit = deliveriesLimit(request, Number.POSITIVE_INFINITY);
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

interface Limit {
  readonly ms: number;
  readonly reason: "slow" | "timeout";
}

function deliveriesLimit(request: CommandRequest, slowMs: number): Limit {
  const timeout = request.headers?.["timeoutMs"];
  const timeoutMs = typeof timeout === "number" ? timeout : 30_000;
  return timeoutMs <= slowMs ? { ms: timeoutMs, reason: "timeout" } : { ms: slowMs, reason: "slow" };
}

/** Driver errors only: a handler's own network trouble is its failure, not the database's. */
function isDatabase(error: unknown): boolean {
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

/** Topics of the actions that this engine's handlers run; others are another program's. */
export function handledTopics(domain: Domain): string[] {
  return Object.entries(domain.steps)
    .filter(([, step]) => isHandled(step))
    .map(([action]) => `${domain.name}.${action}`);
}

function isHandled(step: StepSpec | undefined): boolean {
  return step?.run !== undefined || step?.runMany !== undefined;
}

/** A step's handler for one input; one that only offers bulk work gets a bulk of one. */
function runOf(step: StepSpec | undefined): Run<unknown, unknown> {
  if (step?.run !== undefined) return step.run as Run<unknown, unknown>;
  return async (tx, input, context) => {
    const [outcome] = (await step?.runMany?.(tx, [{ input, context }])) ?? [];
    if (outcome === undefined) throw new Error("runMany returned no outcome");
    return outcome;
  };
}

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
