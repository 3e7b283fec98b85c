import { join, resolve } from "node:path";
import postgres from "postgres";

import { Transitions } from "../engine/dispatcher/transitions.ts";
import { Revisions } from "../engine/dispatcher/revisions.ts";
import type { Json, JsonObject } from "../engine/core/json.ts";
import { createEvaluator } from "../engine/definition/expression.ts";
import type { Sql, Tx } from "../engine/timeline/database.ts";
import type { EventRow } from "../engine/timeline/event-row.ts";
import { newId } from "../engine/timeline/ids.ts";
import { migrate } from "../engine/timeline/migrate.ts";
import { databaseNow, lockSagas, readSagas } from "../engine/timeline/saga-row.ts";
import { type Store, transact } from "../engine/timeline/store.ts";

const root = resolve(import.meta.dir, "..");
const BATCH = 500;
const TOPICS = ["timeline", "d.work", "d.undo"];

/** Type, body and path of an event. */
export type Happened = readonly [string, Json, string];

/** What one transition has cost. */
export interface Cost {
  readonly ms: number;
  /** What PostgreSQL wrote, whole pages after a checkpoint included. */
  readonly walBytes: number;
  /** As text. */
  readonly stateBytes: number;
  readonly statements: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** One saga on a database of its own, whose transitions are applied one by one, as the dispatcher applies them. */
export class LongSaga {
  readonly id = newId();
  readonly #revision = newId();
  readonly #sql: Sql;
  readonly #store: Store;
  readonly #transitions = new Transitions(new Revisions(), createEvaluator(), "bench");
  #statements = 0;

  private constructor(url: string) {
    this.#sql = postgres(url, {
      max: 2,
      onnotice: () => {},
      types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
      debug: () => {
        this.#statements += 1;
      },
    });
    const handOver = () => ({ committed: () => {}, abandoned: () => {} });
    this.#store = { sql: this.#sql, producer: "bench", handOver };
  }

  /** Makes the schema, and a saga that has not begun. */
  static async create(url: string, source: string, input: JsonObject): Promise<LongSaga> {
    const saga = new LongSaga(url);
    const sql = saga.#sql;
    await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
    for (const topic of TOPICS) await sql`insert into timeline.topic (name) values (${topic}) on conflict do nothing`;
    await sql`insert into timeline.definition_revision (name, version, revision, source) values ('long', 1, ${saga.#revision}, ${source})`;
    await sql`
      insert into timeline.saga (id, definition, version, revision, status, input)
      values (${saga.id}, 'long', 1, ${saga.#revision}, 'running', ${sql.json(input as never)})
    `;
    return saga;
  }

  start(): Promise<Cost> {
    return this.apply("saga.started", {}, null);
  }

  succeed(path: string, output: Json): Promise<Cost> {
    return this.apply("step.succeeded", { output }, path);
  }

  /** Applies an event in a transaction of its own. */
  async apply(type: string, body: Json, path: string | null): Promise<Cost> {
    const walBefore = await this.#wal();
    const began = performance.now();
    const counted = this.#statements;
    const rows = await this.#applyAll([this.#event(type, body, path)]);
    const ms = performance.now() - began;
    // The two that count the rows are not the transition's.
    const statements = this.#statements - counted - 2;
    const walBytes = (await this.#wal()) - walBefore;
    const [row] = await this.#sql<{ bytes: number }[]>`
      select octet_length(state::text) as bytes from timeline.saga where id = ${this.id}
    `;
    return { ms, statements, walBytes, stateBytes: row?.bytes ?? 0, ...rows };
  }

  /** Applies events many in a transaction, where it does not matter what each costs. */
  async pass(events: readonly Happened[]): Promise<void> {
    for (let at = 0; at < events.length; at += BATCH) {
      await this.#applyAll(events.slice(at, at + BATCH).map(([type, body, path]) => this.#event(type, body, path)));
    }
  }

  #event(type: string, body: Json, path: string | null): EventRow {
    return {
      message_id: newId(),
      correlation_id: this.id,
      topic: "timeline",
      message_key: this.id,
      message_type: type,
      saga: "long",
      step_key: path === null ? null : `${this.id}/${path}`,
      attempt: path === null ? null : 1,
      traceparent: null,
      message_body: body,
    };
  }

  #applyAll(rows: readonly EventRow[]) {
    return transact(this.#store, async (unit) => {
      const before = await rowsOf(unit.tx);
      await lockSagas(unit.tx, [this.id]);
      const sagas = await readSagas(unit.tx, [this.id]);
      const arrivals = rows.map((row) => ({ row }));
      const { applied } = await this.#transitions.apply(unit, sagas, arrivals, await databaseNow(unit.tx));
      const odd = applied.findIndex(({ effect }) => effect !== "transition");
      if (odd >= 0) throw new Error(`${rows[odd]?.message_type} of ${rows[odd]?.step_key}: ${applied[odd]?.effect}`);
      const after = await rowsOf(unit.tx);
      return { rowsRead: after.read - before.read, rowsWritten: after.written - before.written };
    });
  }

  /** The bodies of the commands and compensations that were sent for a step. */
  async sent(path: string): Promise<readonly Json[]> {
    const rows = await this.#sql<{ message_body: Json }[]>`
      select message_body from timeline.event_request where step_key = ${`${this.id}/${path}`} order by message_id
    `;
    return rows.map((row) => row.message_body);
  }

  async status(): Promise<{ readonly status: string; readonly output: Json }> {
    const [row] = await this.#sql<{ status: string; output: Json }[]>`
      select status, output from timeline.saga where id = ${this.id}
    `;
    return row as { status: string; output: Json };
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 5 });
  }

  async #wal(): Promise<number> {
    const [row] = await this.#sql<{ at: number }[]>`
      select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as at
    `;
    return row?.at ?? 0;
  }
}

/** Rows that the session has read and written since it told its counts last; requests are written after the second look. */
async function rowsOf(tx: Tx): Promise<{ readonly read: number; readonly written: number }> {
  const [row] = await tx<{ read: number; written: number }[]>`
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 as read,
      sum(n_tup_ins + n_tup_upd + n_tup_del)::float8 as written
    from pg_stat_xact_user_tables where schemaname = 'timeline'
  `;
  return row as { read: number; written: number };
}

/** A saga of so many steps, each of which reads the output of the one before. */
export function chain(steps: number): string {
  const lines = Array.from({ length: steps }, (_none, index) => {
    const before = index === 0 ? "input.n" : `steps.s${index - 1}.n`;
    return [
      `  - step: s${index}`,
      "    command: d.work",
      `    with: { before: "\${ ${before} }" }`,
      "    compensate: d.undo",
    ].join("\n");
  });
  const output = `output: { first: "\${ steps.s0.n }", last: "\${ steps.s${steps - 1}.n }" }`;
  return ["saga: long", "version: 1", "input:", "  n: integer", "steps:", ...lines, output, ""].join("\n");
}

/** A saga that runs one step for each of a list of ids. */
export const LIST = `saga: long
version: 1
input:
  ids: list<string>(..10000)
steps:
  - step: ship
    each:
      in: input.ids
      as: id
      concurrency: 2
      max: 10000
      steps:
        - step: pack
          command: d.work
          with: { id: "\${ id }" }
          compensate: d.undo
output: { boxes: "\${ size(steps.ship) }", last: "\${ steps.ship[size(steps.ship) - 1].box }" }
`;
