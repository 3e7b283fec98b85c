import type { Metric, Sample } from "../core/metric.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { countInError } from "../timeline/in-error.ts";
import { isEnd } from "../timeline/saga-end.ts";

/** Upper bounds of a step's time, seconds. */
const BOUNDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 3_600];
const SEPARATOR = "\u0000";

interface Steps {
  readonly counts: number[];
  sum: number;
}

interface Window {
  /** Transactions from this one on, and these older ones that were open, are new. */
  readonly from: string;
  readonly open: readonly string[];
}

/**
 * Counts what happens to sagas, whichever process does it: each look reads what was committed since the one before, by
 * the index of transactions. Counters begin at 0 with the process; every process that is asked counts all of it.
 */
export class SagaCounters {
  readonly #sql: Sql;
  readonly #finished = new Map<string, number>();
  readonly #retries = new Map<string, number>();
  readonly #steps = new Map<string, Steps>();
  #transitions = 0;
  #commits = 0;
  #window: Window | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** One look after another: two at once would count the same twice. */
  look(): Promise<readonly Metric[]> {
    const look = this.#last.then(() => this.#look());
    this.#last = look.catch(() => undefined);
    return look;
  }

  async #look(): Promise<readonly Metric[]> {
    const gauges = await this.#sql.begin("isolation level repeatable read read only", async (tx) => {
      const next = await snapshot(tx);
      // The first look only notes where counting begins.
      if (this.#window !== undefined) await this.#count(tx, this.#window);
      this.#window = next;
      return openSagas(tx);
    });
    return [...(gauges as readonly Metric[]), ...this.#counters()];
  }

  async #count(tx: Tx, { from, open }: Window): Promise<void> {
    // What has not begun here came with a dump from another cluster, and would be new at each look.
    const isNew = tx`(
      (x.xid >= ${from}::xid8 and x.xid < pg_snapshot_xmax(pg_current_snapshot()))
      or x.xid = any (${tx.array([...open])}::text[]::xid8[])
    )`;
    const moved = await tx<{ definition: string; status: string; transitions: number; ended: number }[]>`
      select s.definition, x.status, count(*)::integer as transitions,
        (count(distinct s.id) filter (where ${isEnd(tx)}))::integer as ended
      from timeline.event_consumption x join timeline.saga s on s.id = x.correlation_id
      where x.xid is not null and ${isNew} group by s.definition, x.status
    `;
    const [commits] = await tx<{ commits: number }[]>`
      select count(distinct x.xid)::integer as commits from timeline.event_consumption x where x.xid is not null and ${isNew}
    `;
    const steps = await tx<{ action: string; bucket: number; steps: number; seconds: number }[]>`
      select r.action, width_bucket(t.seconds, ${tx.array(BOUNDS)}::float8[]) as bucket, count(*)::integer as steps, sum(t.seconds) as seconds
      from timeline.event_consumption x
      join timeline.event_request r on r.message_id = x.message_id
      join timeline.saga_step p on p.saga_id = x.correlation_id and p.path = substr(r.step_key, length(x.correlation_id) + 2)
      cross join lateral (select extract(epoch from x.consumed_at - p.started_at)::float8 as seconds) t
      where x.xid is not null and ${isNew} and r.message_type in ('step.succeeded', 'step.rejected') and r.action is not null
        and t.seconds is not null
      group by r.action, bucket
    `;
    const retries = await tx<{ action: string; retries: number }[]>`
      select x.action, count(*)::integer as retries from timeline.event_request x
      where ${isNew} and x.attempt > 1 and x.message_type = 'step.requested' group by x.action
    `;
    for (const { definition, status, transitions, ended } of moved) {
      this.#transitions += transitions;
      if (ended > 0) add(this.#finished, `${definition}${SEPARATOR}${status}`, ended);
    }
    this.#commits += commits?.commits ?? 0;
    for (const row of steps) this.#addSteps(row);
    for (const row of retries) add(this.#retries, row.action, row.retries);
  }

  #addSteps(row: {
    readonly action: string;
    readonly bucket: number;
    readonly steps: number;
    readonly seconds: number;
  }) {
    const known = this.#steps.get(row.action) ?? { counts: Array.from({ length: BOUNDS.length + 1 }, () => 0), sum: 0 };
    known.counts[row.bucket] = (known.counts[row.bucket] ?? 0) + row.steps;
    known.sum += row.seconds;
    this.#steps.set(row.action, known);
  }

  #counters(): readonly Metric[] {
    const one = (value: number): readonly Sample[] => [{ labels: {}, value }];
    return [
      {
        name: "ekiden_sagas_finished_total",
        help: "Sagas that have ended, by the status in which they did.",
        type: "counter",
        samples: [...this.#finished].map(([key, value]) => {
          const [definition = "", status = ""] = key.split(SEPARATOR);
          return { labels: { definition, status }, value };
        }),
      },
      {
        name: "ekiden_step_retries_total",
        help: "Further attempts of steps that were sent.",
        type: "counter",
        samples: [...this.#retries].map(([action, value]) => ({ labels: { action }, value })),
      },
      {
        name: "ekiden_step_seconds",
        help: "From reaching a step to its answer, retries included.",
        type: "histogram",
        samples: [...this.#steps].flatMap(([action, steps]) => histogram(action, steps)),
      },
      {
        name: "ekiden_transitions_total",
        help: "Transitions of sagas.",
        type: "counter",
        samples: one(this.#transitions),
      },
      {
        name: "ekiden_transition_commits_total",
        help: "Transactions that moved sagas; transitions divided by them is the size of a batch.",
        type: "counter",
        samples: one(this.#commits),
      },
    ];
  }
}

function add(to: Map<string, number>, key: string, value: number): void {
  to.set(key, (to.get(key) ?? 0) + value);
}

function histogram(action: string, { counts, sum }: Steps): readonly Sample[] {
  let below = 0;
  const buckets = [...BOUNDS.map(String), "+Inf"].map((le, at): Sample => {
    below += counts[at] ?? 0;
    return { suffix: "_bucket", labels: { action, le }, value: below };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels: { action }, value: sum },
    { suffix: "_count", labels: { action }, value: below },
  ];
}

async function snapshot(tx: Tx): Promise<Window> {
  const [row] = await tx<{ now: string }[]>`select pg_current_snapshot()::text as now`;
  const [, from = "0", open = ""] = (row?.now ?? "").split(":");
  return { from, open: open === "" ? [] : open.split(",") };
}

/** Both are small: what is open, and what is in error. */
async function openSagas(tx: Tx): Promise<readonly Metric[]> {
  const open = await tx<{ definition: string; status: string; sagas: number }[]>`
    select definition, status, count(*)::integer as sagas from timeline.saga_open group by definition, status
  `;
  const errors = (await countInError(tx)).filter(({ open }) => open > 0);
  return [
    {
      name: "ekiden_sagas_open",
      help: "Sagas that have not ended, by status; parked ones wait for a person.",
      type: "gauge",
      samples: open.map(({ definition, status, sagas }) => ({ labels: { definition, status }, value: sagas })),
    },
    {
      name: "ekiden_messages_in_error",
      help: "Messages whose consumption is in error, but for those whose step has ended since.",
      type: "gauge",
      samples: errors.map((row) => ({ labels: { group: row.group }, value: row.open })),
    },
  ];
}
