import type { Bound } from "../core/bound.ts";
import type { Definition, WaitStep } from "../core/definition.ts";
import type { Problem } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { allSteps } from "../core/path.ts";
import { Refusal } from "../core/refusal.ts";
import { violations } from "../core/shape.ts";
import { isFinal, type SagaStatus } from "../core/state.ts";
import { failpoint } from "../failpoint.ts";
import { together } from "../timeline/database.ts";
import { Grouped, type GroupResult } from "../timeline/grouped.ts";
import { answerInserts, hashOf, type Kept, keyMismatch, readAnswers } from "../timeline/idempotency.ts";
import { newId } from "../timeline/ids.ts";
import { databaseNow, readSagas, type SagaRow, tryLockSagas } from "../timeline/saga-row.ts";
import { signalInserts } from "../timeline/signal-write.ts";
import type { Unit } from "../timeline/store.ts";
import { apart, isShared } from "./apart.ts";
import { maskedPayload } from "./masked.ts";
import { type Answer, type Asked, type Asker, finalSaga, type Recorder, unknownSaga } from "./recorder.ts";
import type { Revisions } from "./revisions.ts";
import { dispatcherPaused } from "./timers.ts";

const GROUPS = 2;
const GROUP_MAX = 100;
/**
 * A larger one goes alone, bytes: what the database may refuse at the commit makes all of its group wait until the outbox is
 * read, and so do a hundred large ones for each other.
 */
const LARGE = 32_768;
/** Signals that wait for a transaction; one more is answered 503. */
const WAITING_MAX = 2_000;

/** A signal for one saga. */
export interface SignalRequest {
  readonly sagaId: string;
  readonly signal: string;
  readonly payload: Json;
  readonly asker: Asker;
}

/** What became of one signal of a group; `alone`: it would hold up the others. */
type Outcome = Answer | "alone";

type Result = { readonly value: Answer } | { readonly error: unknown };

/**
 * Records signals, each with its saga's transition. Those that arrive while others are being recorded share a
 * transaction, as starts do; there is one for each saga in it. Left out is what would hold up the others: a saga whose lock
 * somebody has, or whose rows must be read from the outbox behind those of another process.
 */
export class Signals {
  readonly #recorder: Recorder;
  readonly #revisions: Revisions;
  readonly #groups: Grouped<SignalRequest, Outcome>;

  /** `turn`: as of `Starter`. */
  constructor(recorder: Recorder, revisions: Revisions, turn?: () => Promise<() => void>) {
    this.#recorder = recorder;
    this.#revisions = revisions;
    this.#groups = new Grouped({
      name: "ekiden_signals_waiting",
      help: "Signals that wait for a transaction.",
      run: (requests) => this.#run(requests),
      ...(turn === undefined ? {} : { turn }),
      parallel: GROUPS,
      max: GROUP_MAX,
      waitingMax: WAITING_MAX,
      full: (waiting) =>
        new Refusal("engine.busy", `${waiting} signals wait already`, "Send it again after Retry-After."),
    });
  }

  get bounds(): readonly Bound[] {
    return [this.#groups.bound];
  }

  /**
   * Records a signal and applies it when it may be.
   * @throws Refusal `signal.invalid` when no wait of the definition takes it, `saga.unknown`, `saga.final`, `saga.busy`,
   * `saga.idempotency-mismatch`, `message.too-large`, `engine.busy`
   */
  async send(request: SignalRequest): Promise<Answer> {
    // In one turn: those behind it must not overtake it when it goes alone.
    const leave = await this.#recorder.enter(request.sagaId);
    try {
      const outcome = isLarge(request) ? "alone" : await this.#groups.do(request);
      return outcome === "alone" ? await this.#alone(request) : outcome;
    } finally {
      leave();
    }
  }

  /** One transaction for all of them; when it fails for a reason of its own, one for each. */
  async #run(requests: readonly SignalRequest[]): Promise<readonly GroupResult<Outcome>[]> {
    try {
      return await this.#recorder.transact("call", (unit) => this.#together(unit, requests));
    } catch (error) {
      if (requests.length === 1) return [{ error }];
      if (isShared(error)) throw error;
      return apart(requests, async (request) => (await this.#run([request]))[0] as GroupResult<Outcome>);
    }
  }

  async #together(unit: Unit, requests: readonly SignalRequest[]): Promise<readonly GroupResult<Outcome>[]> {
    const { tx } = unit;
    const ids = requests.map(({ sagaId }) => sagaId);
    const locked = await tryLockSagas(tx, ids);
    // Statements after the locks, hence with snapshots taken after them.
    const [paused, sagas] = await together([dispatcherPaused(tx), readSagas(tx, [...locked])]);
    failpoint("call", "after-claim");
    const left = requests.filter(({ sagaId }) => !locked.has(sagaId) || this.#holdsUp(sagas.get(sagaId), paused));
    const results = await this.#record(
      unit,
      requests.filter((request) => !left.includes(request)),
      sagas,
      paused,
    );
    failpoint("call", "after-effect");
    return requests.map((request) => results.get(request) ?? { value: "alone" });
  }

  /** As those of a group are recorded, but for what it has to wait. */
  #alone(request: SignalRequest): Promise<Answer> {
    return this.#recorder.locked(request.sagaId, async (unit, saga) => {
      const paused = await dispatcherPaused(unit.tx);
      const result = (await this.#record(unit, [request], new Map([[saga.id, saga]]), paused)).get(request) as Result;
      if ("error" in result) throw result.error;
      return result.value;
    });
  }

  /** Whether its rows must be read from the outbox, and with them those of all others of the transaction. */
  #holdsUp(saga: SagaRow | undefined, paused: boolean): boolean {
    if (saga === undefined) return false;
    return this.#recorder.isBehindOthers(saga) || (saga.unapplied > 0 && !paused);
  }

  /** The signal as a message to its saga. @throws Refusal when it cannot be sent to it. */
  async #asked(unit: Unit, saga: SagaRow | undefined, request: SignalRequest): Promise<Asked> {
    const { sagaId, signal, payload, asker } = request;
    if (saga === undefined) throw unknownSaga(sagaId);
    if (isFinal(saga.status as SagaStatus)) throw finalSaga(saga);
    checkSignal(await this.#revisions.get(unit.tx, saga.definition, saga.revision), signal, payload);
    return {
      saga,
      messageType: "signal.received",
      body: { signal, payload },
      asking: { traceparent: asker.traceparent ?? null },
      messageId: newId(),
    };
  }

  /** Records those that nothing stands in the way of, under the locks of their sagas, and says what became of each. */
  async #record(
    unit: Unit,
    requests: readonly SignalRequest[],
    sagas: ReadonlyMap<string, SagaRow>,
    paused: boolean,
  ): Promise<ReadonlyMap<SignalRequest, Result>> {
    const { tx } = unit;
    const [now, answers] = await together([databaseNow(tx), readAnswers(tx, requests.flatMap(keyOf))]);
    const results = new Map<SignalRequest, Result>();
    const taken: (Asked & { readonly request: SignalRequest })[] = [];
    for (const request of requests) {
      const [earlier] = keyOf(request).flatMap(({ scope, key }) => answers(scope, key) ?? []);
      try {
        if (earlier !== undefined) results.set(request, { value: replayed(request, earlier) });
        else taken.push({ request, ...(await this.#asked(unit, sagas.get(request.sagaId), request)) });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        results.set(request, { error });
      }
    }
    if (taken.length === 0) return results;
    const signals = taken.map(({ messageId, request: { sagaId, signal, payload } }) => ({
      messageId,
      sagaId,
      signal,
      payload,
    }));
    unit.send(signalInserts(tx, signals));
    const recorded = await this.#recorder.recordTogether(unit, taken, paused, now);
    const kept = recorded.flatMap(({ sagaId, status, messageId, applied }, at) => {
      const { request } = taken[at] as (typeof taken)[number];
      const answer = { sagaId, status, messageId, applied };
      results.set(request, { value: answer });
      return keyOf(request).map((key) => ({ ...key, hash: hashOf(request.payload), sagaId, messageId, answer }));
    });
    unit.send(answerInserts(tx, kept));
    return results;
  }
}

function isLarge({ signal, payload }: SignalRequest): boolean {
  return Buffer.byteLength(JSON.stringify({ signal, payload })) > LARGE;
}

function scopeOf({ sagaId, signal }: SignalRequest): string {
  return `signal/${sagaId}/${signal}`;
}

/** Its Idempotency-Key, or none. */
function keyOf(request: SignalRequest): readonly { readonly scope: string; readonly key: string }[] {
  const key = request.asker.idempotencyKey;
  return key === undefined ? [] : [{ scope: scopeOf(request), key }];
}

/** @throws Refusal `saga.idempotency-mismatch` */
function replayed(request: SignalRequest, { hash, response }: Kept): Answer {
  if (hash !== hashOf(request.payload)) throw keyMismatch(request.asker.idempotencyKey ?? "");
  return { ...(response as unknown as Answer), replayed: true };
}

/** @throws Refusal `signal.invalid` when no wait of the definition takes it. */
function checkSignal(definition: Definition, signal: string, payload: Json): void {
  const waits = [...allSteps(definition).values()].filter((step) => step.kind === "wait");
  const wanted = waits.filter((step) => step.signal === signal);
  if (wanted.length === 0) {
    const known = [...new Set(waits.map((step) => step.signal))].join(", ") || "none";
    throw new Refusal(
      "signal.invalid",
      `${definition.name} waits for no signal "${signal}"`,
      `Signals of this definition: ${known}.`,
    );
  }
  const problems = wanted.map((step) => misfits(definition, step, payload));
  if (problems.every((found) => found.length > 0)) {
    throw new Refusal(
      "signal.invalid",
      `the payload does not fit signal "${signal}"`,
      "Mend the fields named in errors.",
      {
        problems: problems[0] ?? [],
      },
    );
  }
}

/** Why a wait would not take a payload. */
function misfits(definition: Definition, { id, returns }: WaitStep, payload: Json): readonly Problem[] {
  const masked = maskedPayload(definition, id, payload);
  return returns === undefined ? masked : [...violations(returns, payload), ...masked];
}
