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

/** One whose definition is there and whose input fits. */
interface Able extends Asked {
  readonly wanted: Wanted;
}

/** Child sagas as they are born: rows to apply their first event to, by id. */
export interface Births {
  readonly rows: ReadonlyMap<string, SagaRow>;
  readonly born: ReadonlyMap<string, NewSaga>;
}

/**
 * Brings child sagas into being (design S15). Their `child.requested` is their first event: row, consumption and first
 * transition are one transaction, as for any start. A child that cannot be (no such definition, an input that does not
 * fit, a business key in use) answers its parent at once as one that has failed. That its definition is retired does not
 * matter: its parent was started before, or is of another definition, and goes on to its end.
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
    const able: Able[] = [];
    for (const one of asked) {
      const wanted = await this.#wanted(unit, one, current, now);
      if (wanted !== undefined) able.push({ ...one, wanted });
    }
    for (const one of await claimPlaces(unit, able)) {
      const child = newChild(one, now, writer);
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

  /** Undefined: it cannot be, and its parent is told. */
  async #wanted(
    unit: Unit,
    { arrival, request }: Asked,
    current: ReadonlyMap<string, string>,
    now: Date,
  ): Promise<Wanted | undefined> {
    const { definition: name, input } = request;
    try {
      const revision = current.get(name);
      if (revision === undefined) throw new Refusal("saga.unknown-definition", `there is no definition "${name}"`, "");
      const definition = await this.#revisions.get(unit.tx, name, revision);
      const birth = { sagaId: arrival.row.correlation_id, now };
      return wantedOf(definition, input, birth, this.#catalog(), this.#evaluator);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      stillborn(unit, arrival, request, error);
      return undefined;
    }
  }
}

/**
 * Those of the children whose business keys are free; the parents of the others are told. In one statement, in the order
 * of the keys: claimed one after another, two batches with the same keys in another order would wait for each other.
 */
async function claimPlaces(unit: Unit, able: readonly Able[]): Promise<readonly Able[]> {
  const places = able.map(({ arrival, wanted }) => ({
    sagaId: arrival.row.correlation_id,
    definition: wanted.definition.name,
    key: wanted.key,
  }));
  // Without a key there is nobody to be in the way: no answer is waited for.
  unit.send(
    openInserts(
      unit.tx,
      places.filter(({ key }) => key === null),
    ),
  );
  const ours = await claimOpen(
    unit.tx,
    places.filter(({ key }) => key !== null),
  );
  return able.filter(({ arrival, request, wanted }) => {
    if (wanted.key === null || ours.has(arrival.row.correlation_id)) return true;
    // There will be no saga by whose values the parent's text could be masked.
    const named = wanted.definition.sensitive.length === 0 ? `business key "${wanted.key}"` : "its business key";
    const refusal = new Refusal("saga.key-open", `${named} has an open saga`, "");
    stillborn(unit, arrival, request, refusal);
    return false;
  });
}

function newChild({ arrival, request, wanted }: Able, now: Date, writer: string): NewSaga {
  const { definition, key, labels, input } = wanted;
  return {
    id: arrival.row.correlation_id,
    definition: definition.name,
    version: definition.version,
    revision: definition.revision,
    unapplied: 0,
    key,
    labels,
    input,
    traceparent: arrival.row.traceparent,
    writer,
    started_at: now,
    parent: request.parent,
  };
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
