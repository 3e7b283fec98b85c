import type { InferOutput } from "valibot";

import type { Bound } from "../core/bound.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import { Grouped } from "../timeline/grouped.ts";
import { readSagasById } from "../timeline/read-sagas.ts";
import type { Engine } from "./port.ts";
import type { Saga } from "./saga-schema.ts";
import { type SagaGrant, STEPS_READ, viewSagas } from "./saga-view.ts";

type SagaView = InferOutput<typeof Saga>;

/** Sagas that are read with the same queries, such queries at once, and reads that may wait for them. */
const GROUP_MAX = 200;
const GROUPS = 2;
const READS_WAITING_MAX = 5_000;

interface Read {
  readonly sagaId: string;
  readonly reader: SagaGrant;
  readonly bodies: boolean;
}

/** Reads single sagas for the API; reads that come at the same time share their queries. */
export class SagaReader {
  readonly #reads: Grouped<Read, SagaView | undefined>;

  constructor(engine: Engine, sql: Sql) {
    this.#reads = new Grouped({
      name: "ekiden_reads_waiting",
      help: "Reads of single sagas that wait for a query.",
      run: async (reads) => {
        const found = new Map<string, ReadonlyMap<string, SagaView>>();
        for (const [kind, alike] of Map.groupBy(reads, kindOf)) {
          const [{ reader, bodies }] = alike as [Read];
          const ids = [...new Set(alike.map(({ sagaId }) => sagaId))];
          const rows = await readSagasById(sql, ids, STEPS_READ, bodies);
          const views = await viewSagas(engine, sql, rows, reader, bodies);
          found.set(kind, new Map(views.map((view) => [view.sagaId, view])));
        }
        return reads.map((read) => ({ value: found.get(kindOf(read))?.get(read.sagaId) }));
      },
      parallel: GROUPS,
      max: GROUP_MAX,
      waitingMax: READS_WAITING_MAX,
      full: (waiting) => new Refusal("engine.busy", `${waiting} reads wait already`, "Ask again after Retry-After."),
    });
  }

  get bounds(): readonly Bound[] {
    return [this.#reads.bound];
  }

  /** A saga as the API shows it; undefined when there is none. @throws Refusal `engine.busy` */
  read(sagaId: string, reader: SagaGrant, bodies = true): Promise<SagaView | undefined> {
    return this.#reads.do({ sagaId, reader, bodies });
  }
}

/** Reads of one kind are shown the same. */
function kindOf({ reader: { payloads, definitions }, bodies }: Read): string {
  return JSON.stringify([payloads, definitions, bodies]);
}
