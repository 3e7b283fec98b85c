import type { DomainCatalog } from "../core/domain.ts";
import type { Evaluator } from "../core/evaluate.ts";
import { Refusal } from "../core/refusal.ts";
import { type ChildRequest, childRequest } from "../timeline/event-row.ts";
import type { SagaRow } from "../timeline/saga-row.ts";
import { claimOpen, currentRevisions, type NewSaga, openInserts } from "../timeline/start-write.ts";
import type { Unit } from "../timeline/store.ts";
import { newId } from "../timeline/ids.ts";
import type { Revisions } from "./revisions.ts";
import type { Arrival } from "./transitions.ts";
import { type Wanted, wantedOf } from "./wanted.ts";

/** A child saga to be born of its parent's request. */
interface Asked {
  readonly arrival: Arrival;
  readonly request: ChildRequest;
}

/** Child sagas as they are born: rows to apply their first event to, by id. */
export interface Births {
  readonly rows: ReadonlyMap<string, SagaRow>;
  readonly born: ReadonlyMap<string, NewSaga>;
}

/**
 * Brings child sagas into being (design S15). Their `child.requested` is their first event: row, consumption and first
 * transition are one transaction, as for any start. A child that cannot be (no such definition, an input that does not
 * fit, a business key in use) answers its parent at once as one that has failed.
 */
export class ChildBirths {
  readonly #revisions: Revisions;
  readonly #evaluator: Evaluator;
  readonly #catalog: () => DomainCatalog;

  constructor(revisions: Revisions, evaluator: Evaluator, catalog: () => DomainCatalog) {
    this.#revisions = revisions;
    this.#evaluator = evaluator;
    this.#catalog = catalog;
  }

  /** Those among a batch's events that ask for a child that has no row yet, under the child's lock. */
  async of(
    unit: Unit,
    arrivals: readonly Arrival[],
    known: ReadonlyMap<string, SagaRow>,
    now: Date,
    writer: string,
  ): Promise<Births> {
    const asked = askedFor(arrivals, known);
    const rows = new Map<string, SagaRow>();
    const born = new Map<string, NewSaga>();
    if (asked.length === 0) return { rows, born };
    const current = await currentRevisions(unit.tx, [...new Set(asked.map(({ request }) => request.definition))]);
    for (const one of asked) {
      const child = await this.#birth(unit, one, current, now, writer);
      if (child === undefined) continue;
      const { labels: _labels, parent, ...facts } = child;
      rows.set(child.id, {
        ...facts,
        status: "running",
        sequence: 0,
        state: null,
        parent_id: parent?.sagaId ?? null,
        parent_path: parent?.path ?? null,
      });
      born.set(child.id, child);
    }
    return { rows, born };
  }

  async #birth(
    unit: Unit,
    { arrival, request }: Asked,
    current: ReadonlyMap<string, string>,
    now: Date,
    writer: string,
  ): Promise<NewSaga | undefined> {
    const sagaId = arrival.row.correlation_id;
    try {
      const wanted = await this.#wanted(unit, sagaId, request, current, now);
      const place = { sagaId, definition: wanted.definition.name, key: wanted.key };
      if (wanted.key === null) unit.send(openInserts(unit.tx, [place]));
      else if (!(await claimOpen(unit.tx, [place])).has(sagaId))
        throw new Refusal("saga.key-open", `business key "${wanted.key}" has an open saga`, "");
      return {
        id: sagaId,
        definition: wanted.definition.name,
        version: wanted.definition.version,
        revision: wanted.definition.revision,
        unapplied: 0,
        key: wanted.key,
        labels: wanted.labels,
        input: wanted.input,
        traceparent: arrival.row.traceparent,
        writer,
        started_at: now,
        parent: request.parent,
      };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      stillborn(unit, arrival, request, error);
      return undefined;
    }
  }

  async #wanted(
    unit: Unit,
    sagaId: string,
    { definition: name, input }: ChildRequest,
    current: ReadonlyMap<string, string>,
    now: Date,
  ): Promise<Wanted> {
    const revision = current.get(name);
    if (revision === undefined) throw new Refusal("saga.unknown-definition", `there is no definition "${name}"`, "");
    const definition = await this.#revisions.get(unit.tx, name, revision);
    return wantedOf(definition, input, { sagaId, now }, this.#catalog(), this.#evaluator);
  }
}

function askedFor(arrivals: readonly Arrival[], known: ReadonlyMap<string, SagaRow>): readonly Asked[] {
  const asked = new Map<string, Asked>();
  for (const arrival of arrivals) {
    const { row } = arrival;
    const request = childRequest(row);
    if (request === undefined || known.has(row.correlation_id) || asked.has(row.correlation_id)) continue;
    asked.set(row.correlation_id, { arrival, request });
  }
  return [...asked.values()];
}

/** The answer of a child that could not be born. */
function stillborn(unit: Unit, { row }: Arrival, { definition, parent }: ChildRequest, refusal: Refusal): void {
  unit.request({
    messageId: newId(),
    correlationId: parent.sagaId,
    causationId: row.message_id,
    topic: "timeline",
    messageType: "child.ended",
    saga: definition,
    stepKey: null,
    action: null,
    attempt: null,
    traceparent: row.traceparent,
    messageHeaders: null,
    messageBody: {
      path: parent.path,
      child: row.correlation_id,
      status: "failed",
      code: refusal.code,
      message: refusal.message,
      output: null,
    },
  });
}
