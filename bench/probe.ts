import postgres from "postgres";

import { type Contestant, createDatabase, ekidenOn, type Ring, startEngine } from "./contestants.ts";
import type { EngineProcess } from "./engine-under-test.ts";
import { cpuSeconds, residentMiB } from "./processes.ts";
import { measureSideBySide, type Plan, type Say, type Side } from "./side-by-side.ts";
import type { Run } from "./load.ts";
import type { Load } from "./timed-load.ts";
import type { WorkloadName } from "./workloads.ts";

const IDLE_MS = 10_000;

/** An engine with a database of its own, on which a workload is measured while there is something else on it as well. */
export class Probe {
  readonly engine: EngineProcess;
  readonly sql: postgres.Sql;
  /** From the spawn of the process until it listened. */
  readonly startedMs: number;
  readonly #contestant: Contestant;
  readonly #ring: Ring;
  readonly #plan: Plan;
  readonly #say: Say;
  #sagas = 0;

  private constructor(
    ring: Ring,
    plan: Plan,
    say: Say,
    parts: Pick<Probe, "engine" | "sql" | "startedMs">,
    contestant: Contestant,
  ) {
    this.#ring = ring;
    this.#plan = plan;
    this.#say = say;
    this.engine = parts.engine;
    this.sql = parts.sql;
    this.startedMs = parts.startedMs;
    this.#contestant = contestant;
  }

  /** Starts the engine; `many`: over so many definitions, which lie in the folder `domains`. */
  static async start(
    ring: Ring,
    plan: Plan,
    say: Say,
    { database, domains, many }: { readonly database: string; readonly domains?: string; readonly many?: number },
  ): Promise<Probe> {
    const databaseUrl = await createDatabase(ring, database);
    const began = performance.now();
    const engine = await startEngine(ring, databaseUrl, domains);
    const startedMs = performance.now() - began;
    const sql = postgres(databaseUrl, { max: 2, onnotice: () => {} });
    ring.closing.add(() => sql.end({ timeout: 5 }));
    const workload: WorkloadName = many === undefined ? "three" : "many";
    const contestant = await ekidenOn(ring, engine, database, workload, many);
    return new Probe(ring, plan, say, { engine, sql, startedMs }, contestant);
  }

  /** What the workload costs now. */
  async cost(title: string): Promise<Side> {
    // What was put there before is not what is measured: its dead rows are cleared and its pages written first.
    await this.sql`vacuum (analyze)`;
    const before = this.#sagas;
    const contestant = {
      ...this.#contestant,
      title,
      run: (load: Load) => this.run(load),
      ended: `select sagas - ${before} as sagas from (${this.#contestant.ended}) ended`,
    };
    const [side] = await measureSideBySide([contestant], this.#ring.postgres, this.#plan, this.#say);
    if (side === undefined) throw new Error("nothing was measured");
    return side;
  }

  /** Runs a load of the workload that is not measured. */
  async run(load: Load): Promise<Run> {
    const run = await this.#contestant.run(load);
    this.#sagas += run.sagas;
    return run;
  }

  /** CPU while nobody asks for anything, percent of a core. */
  async idle(): Promise<{ readonly engine: number; readonly postgres: number }> {
    const pids = [this.engine.pid, this.#ring.postgres.pid];
    const before = pids.map((pid) => cpuSeconds(pid));
    await Bun.sleep(IDLE_MS);
    const [engine = 0, server = 0] = pids.map((pid, at) => ((cpuSeconds(pid) - (before[at] ?? 0)) / IDLE_MS) * 100_000);
    return { engine, postgres: server };
  }

  get residentMiB(): number {
    return residentMiB(this.engine.pid);
  }

  /** Rows in the engine's tables, as PostgreSQL estimates them. */
  async historyRows(): Promise<number> {
    await this.sql`analyze`;
    const [row] = await this.sql<{ rows: number }[]>`
      select sum(greatest(reltuples, 0))::float8 as rows
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'timeline' and relkind = 'r'
    `;
    return row?.rows ?? 0;
  }
}
