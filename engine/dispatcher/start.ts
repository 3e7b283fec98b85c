import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { type Evaluator, ExpressionFault, type Scope } from "../core/evaluate.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import { renderTemplate } from "../core/template.ts";
import { startViolations } from "../definition/start-violations.ts";
import type { Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { databaseNow, lockSagas, type SagaRow } from "../timeline/saga-row.ts";
import type { Unit } from "../timeline/store.ts";
import { canonical, claimKey, keepAnswer } from "../timeline/idempotency.ts";
import type { Recorder } from "./recorder.ts";
import type { Revisions } from "./revisions.ts";
import { dispatcherPaused } from "./timers.ts";

/** A wish to start a saga. */
export interface StartRequest {
  readonly definition: string;
  readonly input: Json;
  /** What to do when the business key has an open saga with the same input. */
  readonly duplicate: "return" | "reject";
  readonly idempotencyKey?: string;
  readonly traceparent: string | null;
}

export interface Started {
  readonly sagaId: string;
  readonly created: boolean;
}

interface Ready {
  readonly definition: Definition;
  readonly input: JsonObject;
}

/** Starts sagas: row, first request and first transition in one transaction. */
export class Starter {
  readonly #recorder: Recorder;
  readonly #revisions: Revisions;
  readonly #evaluator: Evaluator;
  readonly #catalog: () => DomainCatalog;

  constructor(recorder: Recorder, revisions: Revisions, evaluator: Evaluator, catalog: () => DomainCatalog) {
    this.#recorder = recorder;
    this.#revisions = revisions;
    this.#evaluator = evaluator;
    this.#catalog = catalog;
  }

  /** @throws Refusal `saga.unknown-definition`, `saga.input-invalid`, `saga.key-open`, `saga.idempotency-mismatch`, … */
  async start(request: StartRequest): Promise<Started> {
    const sagaId = newId();
    const started = await this.#recorder.transact(async (unit) => {
      await lockSagas(unit.tx, [sagaId]);
      const earlier = await this.#earlier(unit.tx, request, sagaId);
      if (earlier !== null) return { sagaId: earlier, created: false };
      const ready = await this.#ready(unit.tx, request);
      return this.#insert(unit, sagaId, request, ready);
    });
    this.#recorder.notify(started.sagaId);
    return started;
  }

  async #earlier(tx: Tx, request: StartRequest, sagaId: string): Promise<string | null> {
    if (request.idempotencyKey === undefined) return null;
    const asked = { definition: request.definition, input: request.input };
    return (await claimKey(tx, "start", request.idempotencyKey, asked, sagaId))?.sagaId ?? null;
  }

  async #ready(tx: Tx, request: StartRequest): Promise<Ready> {
    const [current] = await tx<{ revision: string }[]>`
      select revision from timeline.definition where name = ${request.definition}
    `;
    if (current === undefined) {
      throw new Refusal(
        "saga.unknown-definition",
        `there is no definition "${request.definition}"`,
        "GET /v1/definitions lists them.",
      );
    }
    const definition = await this.#revisions.get(tx, request.definition, current.revision);
    const problems = startViolations(definition, request.input, this.#catalog());
    if (problems.length > 0 || !isJsonObject(request.input)) {
      throw new Refusal(
        "saga.input-invalid",
        `the input does not fit ${definition.name}`,
        "Mend the fields named in errors.",
        { problems },
      );
    }
    return { definition, input: request.input };
  }

  async #insert(unit: Unit, sagaId: string, request: StartRequest, ready: Ready): Promise<Started> {
    const { tx } = unit;
    const { definition, input } = ready;
    const now = await databaseNow(tx);
    const scope: Scope = {
      input,
      steps: {},
      saga: {
        id: sagaId,
        key: null,
        version: definition.version,
        startedAt: now.toISOString(),
        now: now.toISOString(),
      },
    };
    const key = definition.key === undefined ? null : this.#text(definition.key, scope, "key");
    const labels = Object.fromEntries(
      Object.entries(definition.labels).map(([name, label]) => [name, this.#text(label, scope, `label ${name}`)]),
    );
    const open = await claimBusinessKey(tx, sagaId, definition.name, key);
    if (open !== null) return this.#duplicate(unit, request, key as string, open);
    const saga: SagaRow = {
      id: sagaId,
      definition: definition.name,
      version: definition.version,
      revision: definition.revision,
      status: "running",
      sequence: 0,
      unapplied: 0,
      key,
      input,
      state: null,
      traceparent: request.traceparent,
      writer: this.#recorder.writer,
      started_at: now,
    };
    await this.#first(unit, saga, labels);
    if (request.idempotencyKey !== undefined) await keepAnswer(tx, "start", request.idempotencyKey, sagaId, null, null);
    return { sagaId, created: true };
  }

  async #first(unit: Unit, saga: SagaRow, labels: JsonObject): Promise<void> {
    const { tx } = unit;
    const waits = await dispatcherPaused(tx);
    const started = { ...saga, unapplied: waits ? 1 : 0 };
    await tx`
      insert into timeline.saga (id, definition, version, revision, status, sequence, unapplied, key, labels, input,
        traceparent, writer, started_at, updated_at)
      values (${saga.id}, ${saga.definition}, ${saga.version}, ${saga.revision}, 'running', 0, ${started.unapplied}, ${saga.key},
        ${tx.json(labels as never)}, ${tx.json(saga.input as never)}, ${saga.traceparent}, ${saga.writer}, ${saga.started_at}, ${saga.started_at})
    `;
    const body = { input: saga.input, key: saga.key, labels, version: saga.version, revision: saga.revision };
    const arrival = this.#recorder.arrival(
      unit,
      saga,
      "saga.started",
      body,
      { traceparent: saga.traceparent },
      newId(),
      waits,
    );
    if (!waits) await this.#recorder.apply(unit, saga, arrival);
  }

  async #duplicate(unit: Unit, request: StartRequest, key: string, open: OpenSaga): Promise<Started> {
    if (request.duplicate === "reject" || canonical(open.input) !== canonical(request.input)) {
      const message = `business key "${key}" has an open saga: ${open.id}`;
      throw new Refusal("saga.key-open", message, "Wait for its end, or cancel it.", { sagaId: open.id });
    }
    if (request.idempotencyKey !== undefined)
      await keepAnswer(unit.tx, "start", request.idempotencyKey, open.id, null, null);
    return { sagaId: open.id, created: false };
  }

  #text(template: NonNullable<Definition["key"]>, scope: Scope, what: string): string {
    try {
      const value = renderTemplate(template, scope, this.#evaluator);
      if (typeof value === "string" && value !== "") return value;
      if (typeof value === "number" || typeof value === "boolean") return String(value);
      throw inputRefusal(`${what} must be text that is not empty, a number or a boolean`);
    } catch (error) {
      if (error instanceof ExpressionFault) throw inputRefusal(`${what}: ${error.message}`);
      throw error;
    }
  }
}

function inputRefusal(message: string): Refusal {
  return new Refusal("saga.input-invalid", message, "The definition makes it of the input; see the YAML.", {
    problems: [{ path: "", message }],
  });
}

interface OpenSaga {
  readonly id: string;
  readonly input: Json;
}

/** The unique key decides, not a look before it. Returns the open saga that has the key, or null when it is ours. */
async function claimBusinessKey(
  tx: Tx,
  sagaId: string,
  definition: string,
  key: string | null,
): Promise<OpenSaga | null> {
  for (;;) {
    const claimed = await tx`
      insert into timeline.saga_open (saga_id, definition, key, status) values (${sagaId}, ${definition}, ${key}, 'running')
      on conflict (definition, key) where key is not null do nothing
      returning saga_id
    `;
    if (claimed.length === 1) return null;
    const [open] = await tx<{ id: string; input: Json }[]>`
      select s.id, s.input from timeline.saga_open o join timeline.saga s on s.id = o.saga_id
      where o.definition = ${definition} and o.key = ${key}
    `;
    // None: it ended between the two statements, so the key is free now.
    if (open !== undefined) return open;
  }
}
