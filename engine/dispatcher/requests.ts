import type { Bound } from "../core/bound.ts";
import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { SagaRow } from "../timeline/saga-row.ts";
import type { Unit } from "../timeline/store.ts";
import { claimKey, keepAnswer } from "../timeline/idempotency.ts";
import { fittingResult } from "./fitting-result.ts";
import { mustExist, mustHaveEffect } from "./operator-refusals.ts";
import type { Answer, Asker, Recorded, Recorder } from "./recorder.ts";
import type { Revisions } from "./revisions.ts";
import { Signals } from "./signals.ts";

/** Signals and operator verbs. */
export class Requests {
  readonly #recorder: Recorder;
  readonly #revisions: Revisions;
  readonly #catalog: () => DomainCatalog;
  readonly #signals: Signals;

  /** `turn`: as of `Starter`, for signals. */
  constructor(
    recorder: Recorder,
    revisions: Revisions,
    catalog: () => DomainCatalog,
    turn?: () => Promise<() => void>,
  ) {
    this.#recorder = recorder;
    this.#revisions = revisions;
    this.#catalog = catalog;
    this.#signals = new Signals(recorder, revisions, turn);
  }

  get bounds(): readonly Bound[] {
    return [...this.#signals.bounds, ...this.#recorder.bounds];
  }

  /** As `Signals.send`. */
  signal(sagaId: string, signal: string, payload: Json, asker: Asker): Promise<Answer> {
    return this.#signals.send({ sagaId, signal, payload, asker });
  }

  /** @throws Refusal `saga.past-pivot` */
  async cancel(sagaId: string, reason: string, asker: Asker): Promise<Answer> {
    return this.#once(sagaId, `cancel/${sagaId}`, { reason }, asker, async (unit, saga) => {
      const recorded = await this.#recorder.record(unit, saga, "cancel.requested", { reason }, trace(asker));
      if (recorded.effect === "past-pivot") {
        throw new Refusal(
          "saga.past-pivot",
          `saga ${sagaId} has reached its pivot`,
          "From its pivot on a saga goes forward only.",
        );
      }
      await audit(unit.tx, asker, "saga.cancel", saga, reason, recorded);
      return recorded;
    });
  }

  /** @throws Refusal `saga.not-parked`, `saga.unknown-step` */
  async retry(sagaId: string, step: string | undefined, reason: string, asker: Asker): Promise<Answer> {
    const body = { reason, ...(step === undefined ? {} : { step }) };
    return this.#verb("retry", sagaId, body, asker, step);
  }

  /** @throws Refusal as `retry`, and `saga.step-running`, `saga.pivot-skipped` */
  async skip(sagaId: string, step: string, reason: string, asker: Asker): Promise<Answer> {
    return this.#verb("skip", sagaId, { step, reason }, asker, step);
  }

  /** @throws Refusal as `retry`, and `saga.step-running`, `saga.step-without-result`, `saga.result-invalid` */
  async resolve(sagaId: string, step: string, result: Json, reason: string, asker: Asker): Promise<Answer> {
    return this.#verb("resolve", sagaId, { step, result, reason }, asker, step, (definition, { state }) => ({
      step,
      result: fittingResult(definition, state, step, result, this.#catalog()),
      reason,
    }));
  }

  /** Stops a saga where it stands, parked or not. */
  async terminate(sagaId: string, reason: string, asker: Asker): Promise<Answer> {
    return this.#verb("terminate", sagaId, { reason }, asker);
  }

  /** What an operator asks for, with an audit row. `made`: the body as it is recorded, once the request is looked at. */
  async #verb(
    verb: "retry" | "skip" | "resolve" | "terminate",
    sagaId: string,
    body: JsonObject & { readonly reason: string },
    asker: Asker,
    step?: string,
    made: (definition: Definition, saga: SagaRow) => JsonObject = () => body,
  ): Promise<Answer> {
    return this.#once(sagaId, `${verb}/${sagaId}`, body, asker, async (unit, saga) => {
      const definition = await this.#revisions.get(unit.tx, saga.definition, saga.revision);
      if (step !== undefined) mustExist(definition, saga, step);
      const recorded = await this.#recorder.record(
        unit,
        saga,
        `${verb}.requested`,
        made(definition, saga),
        trace(asker),
      );
      await mustHaveEffect(unit.tx, saga, step, recorded.effect);
      await audit(unit.tx, asker, `saga.${verb}`, saga, body.reason, recorded);
      return recorded;
    });
  }

  async #once(
    sagaId: string,
    scope: string,
    request: Json,
    asker: Asker,
    work: (unit: Unit, saga: SagaRow) => Promise<Recorded>,
  ): Promise<Answer> {
    const key = asker.idempotencyKey;
    return this.#recorder.under(sagaId, async (unit, saga) => {
      const earlier = key === undefined ? null : await claimKey(unit.tx, scope, key, request, sagaId);
      if (earlier !== null) return { ...(earlier.response as unknown as Answer), replayed: true };
      const { messageId, status, applied } = await work(unit, saga);
      const answer = { sagaId, status, messageId, applied };
      if (key !== undefined) await keepAnswer(unit.tx, scope, key, sagaId, messageId, answer);
      return answer;
    });
  }
}

function trace(asker: Asker): { traceparent: string | null } {
  return { traceparent: asker.traceparent ?? null };
}

async function audit(
  tx: Tx,
  asker: Asker,
  action: string,
  saga: SagaRow,
  reason: string,
  recorded: Recorded,
): Promise<void> {
  await tx`
    insert into timeline.audit (id, actor, action, target, reason, before, after)
    values (${newId()}, ${asker.actor}, ${action}, ${saga.id}, ${reason}, ${tx.json({ status: saga.status })},
      ${tx.json({ status: recorded.status, messageId: recorded.messageId, applied: recorded.applied })})
  `;
}
