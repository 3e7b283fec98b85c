import { readdirSync } from "node:fs";
import type postgres from "postgres";

import type { OpenLoad } from "./open-load.ts";
import { residentMiB } from "./processes.ts";

/** One look at a soak. */
export interface Sample {
  readonly minute: number;
  readonly startsPerSecond: number;
  readonly startP95Ms: number;
  readonly openSagas: number;
  /** Messages that the consumer groups have not consumed yet, of all groups. */
  readonly lag: number;
  readonly residentMiB: number;
  readonly fileDescriptors: number;
  readonly deadTuples: number;
  /** Of the files in which PostgreSQL keeps its log. */
  readonly walMiB: number;
  /** Written to the log since the look before. */
  readonly walPerSagaKiB: number;
  readonly connections: number;
}

interface DatabaseRow {
  open: number;
  dead: number;
  wal: number;
  lsn: number;
  connections: number;
}

/** Looks at the engine's process and its database. */
export class Sampler {
  /** What is drawn. */
  static readonly SERIES: readonly { readonly key: keyof Sample; readonly title: string }[] = [
    { key: "startsPerSecond", title: "starts a second" },
    { key: "startP95Ms", title: "p95 of a start, ms" },
    { key: "openSagas", title: "open sagas" },
    { key: "lag", title: "lag of the consumer groups, messages" },
    { key: "residentMiB", title: "memory of the engine, MiB" },
    { key: "fileDescriptors", title: "file descriptors of the engine" },
    { key: "deadTuples", title: "dead tuples in schema timeline" },
    { key: "walMiB", title: "WAL kept, MiB" },
    { key: "walPerSagaKiB", title: "WAL written per saga, KiB" },
    { key: "connections", title: "connections to the database" },
  ];
  readonly samples: Sample[] = [];
  readonly #sql: postgres.Sql;
  readonly #engine: { readonly url: string; readonly pid: number };
  readonly #load: OpenLoad;
  readonly #beganAt = performance.now();
  #last: { at: number; started: number; lsn: number } | undefined;

  constructor(sql: postgres.Sql, engine: { readonly url: string; readonly pid: number }, load: OpenLoad) {
    this.#sql = sql;
    this.#engine = engine;
    this.#load = load;
  }

  async look(): Promise<Sample> {
    const [row] = await this.#sql<DatabaseRow[]>`
      select (select count(*)::integer from timeline.saga_open) as open,
        (select coalesce(sum(n_dead_tup), 0)::integer from pg_stat_user_tables where schemaname = 'timeline') as dead,
        (select sum(size)::float8 from pg_ls_waldir()) as wal,
        (pg_current_wal_lsn() - '0/0')::float8 as lsn,
        (select count(*)::integer from pg_stat_activity where application_name like 'ekiden %') as connections
    `;
    const lag = await lagOf(this.#engine.url);
    const { open, dead, wal, lsn, connections } = row as DatabaseRow;
    const at = performance.now();
    const { started } = this.#load.counts;
    const last = this.#last ?? { at: this.#beganAt, started: 0, lsn };
    this.#last = { at, started, lsn };
    const latencies = this.#load.takeLatencies();
    const sample = {
      minute: round((at - this.#beganAt) / 60_000),
      startsPerSecond: round(((started - last.started) * 1_000) / (at - last.at)),
      startP95Ms: round(latencies[Math.floor(latencies.length * 0.95)] ?? 0),
      openSagas: open,
      lag,
      residentMiB: round(residentMiB(this.#engine.pid)),
      fileDescriptors: readdirSync(`/proc/${this.#engine.pid}/fd`).length,
      deadTuples: dead,
      walMiB: round(wal / 2 ** 20),
      walPerSagaKiB: round((lsn - last.lsn) / 1_024 / Math.max(1, started - last.started)),
      connections,
    };
    this.samples.push(sample);
    return sample;
  }
}

async function lagOf(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/consumer-groups`, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the lag of the groups was answered ${response.status}`);
  const { items } = (await response.json()) as { items: readonly { readonly lag: number }[] };
  return items.reduce((sum, { lag }) => sum + lag, 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
