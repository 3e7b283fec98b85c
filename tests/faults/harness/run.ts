import { eventually } from "../../support/engine.ts";
import { Random, seedFor } from "../../simulation/random.ts";
import { FAULTS } from "./catalogue.ts";
import { check } from "./checker/check.ts";
import type { Violation } from "./checker/law.ts";
import { type Fault, NotFired } from "./fault.ts";
import { History } from "./history.ts";
import { committedOffsets, readLog } from "./kafka-log.ts";
import { Load } from "./load.ts";
import { Sampler } from "./sampler.ts";
import { vacuous } from "./vacuity.ts";
import { type Mode, World } from "./world.ts";

export interface RunOptions {
  readonly mode: Mode;
  readonly seed: number;
  readonly minutes: number;
  /** Names of faults; all that the mode knows by default. */
  readonly only?: readonly string[];
  /** How many faults in all; as many as the time allows by default. */
  readonly most?: number;
  readonly longestMs: number;
  readonly clients: number;
  readonly pauseMs: number;
  /** Whether each fault is healed before the next one strikes, and that is timed. */
  readonly healsEach: boolean;
  readonly say: (line: string) => void;
}

/** One fault that struck. */
export interface Strike {
  readonly fault: string;
  readonly at: Date;
  /** What it did; or why it did nothing. */
  readonly told: string;
  readonly fired: boolean;
  /** From its end until every saga that was open then had ended; null: not within the bound, or not waited for. */
  readonly healedMs: number | null;
}

export interface Figures {
  readonly sagas: Readonly<Record<string, number>>;
  readonly parked: number;
  readonly calls: number;
  readonly unknownCalls: number;
  readonly requests: number;
  readonly consumptions: number;
  /** Copies of requests that lay in the log beyond the first. */
  readonly duplicates: number;
  readonly ownEnds: number;
  readonly seconds: number;
}

/** What became of a run. */
export interface Outcome {
  readonly mode: Mode;
  readonly strikes: readonly Strike[];
  readonly violations: readonly Violation[];
  readonly figures: Figures;
}

/** How long a saga may stand still after the last fault. */
const HEAL_MS = 300_000;
/** Calm between two faults. */
const CALM_MS = 1_500;

/** A page of `GET /v1/verify`. */
interface Folded {
  readonly differences: readonly object[];
  readonly unverifiable: readonly object[];
  readonly nextCursor: string | null;
}

/** A world under load in which one fault after another strikes. */
export class Run {
  readonly options: RunOptions;
  readonly world: World;
  readonly strikes: Strike[] = [];
  readonly history = new History();
  readonly #load: Load;
  readonly #sampler: Sampler;
  readonly #random: Random;
  readonly #rewound: Date[] = [];
  readonly #began = performance.now();
  readonly #liveness: Violation[] = [];
  #loadMinutes = 0;

  private constructor(options: RunOptions, world: World) {
    this.options = options;
    this.world = world;
    this.#random = new Random(seedFor(options.seed, options.mode));
    this.#sampler = new Sampler(world);
    this.#load = new Load({
      history: this.history,
      abroad: world.driven.abroad,
      seed: seedFor(options.seed, `${options.mode} load`),
      urls: () => world.urls(),
      sql: world.sql,
      clients: options.clients,
      pauseMs: options.pauseMs,
    });
  }

  static async open(options: RunOptions): Promise<Run> {
    return new Run(options, await World.open(options.mode));
  }

  /** Strikes until the time is over, lets all heal, and checks. */
  async toTheEnd(): Promise<Outcome> {
    await this.#load.stock();
    this.#load.begin();
    this.#sampler.begin();
    await eventually("the first sagas have ended", () => this.#underWay(), HEAL_MS);
    const until = this.#began + this.options.minutes * 60_000;
    for (const fault of this.#schedule()) {
      if (performance.now() > until || this.strikes.length >= (this.options.most ?? Number.POSITIVE_INFINITY)) break;
      await this.#strike(fault);
      await Bun.sleep(CALM_MS);
    }
    this.#loadMinutes = (performance.now() - this.#began) / 60_000;
    await this.#load.end();
    await this.#settle();
    await this.#load.close();
    await this.#sampler.end();
    return this.#outcome();
  }

  async #underWay(): Promise<boolean> {
    const rows = await this.world.sql`select 1 from timeline.saga where finished_at is not null limit 5`;
    return rows.length === 5;
  }

  /** Decks of all kinds, each shuffled anew: every kind comes before one comes twice. */
  *#schedule(): Generator<Fault> {
    const { only, mode } = this.options;
    const kinds = FAULTS.filter(
      (fault) =>
        (only === undefined || only.includes(fault.name)) &&
        fault.modes.includes(mode) &&
        (fault.isPossible?.(this.world) ?? true),
    );
    if (kinds.length === 0) throw new Error(`no such fault in mode ${mode}: ${only?.join(", ")}`);
    for (;;) {
      const deck = [...kinds];
      while (deck.length > 0) yield deck.splice(this.#random.below(deck.length), 1)[0] as Fault;
    }
  }

  async #strike(fault: Fault): Promise<void> {
    const at = new Date();
    const scene = {
      world: this.world,
      load: this.#load,
      random: this.#random,
      longestMs: this.options.longestMs,
      rewound: () => void this.#rewound.push(new Date()),
    };
    let fired = true;
    const told = await fault.strike(scene).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      if (error instanceof NotFired) fired = false;
      else
        this.#liveness.push({
          invariant: "liveness",
          says: `${fault.name} can be taken back`,
          count: 1,
          rows: [{ why }],
        });
      return why;
    });
    const healedMs = this.options.healsEach ? await this.#healed(fault.name) : null;
    this.strikes.push({ fault: fault.name, at, told, fired, healedMs });
    const healing = healedMs === null ? "NOT HEALED" : `healed after ${(healedMs / 1000).toFixed(1)} s`;
    this.options.say(`${at.toISOString()} ${fault.name}: ${told}; ${this.options.healsEach ? healing : "goes on"}`);
  }

  /** Waits until every saga that is open now has ended, one that is started now too, and every engine is up. */
  async #healed(fault: string): Promise<number | null> {
    const began = performance.now();
    try {
      // There may be none open, and what is broken shows only in the next one.
      const probe = await this.#load.one("relay");
      const before = await eventually(
        "the database says what is open",
        () => this.world.sql<{ id: string }[]>`select saga_id as id from timeline.saga_open where status <> 'parked'`,
        HEAL_MS,
      );
      await eventually(
        "what was open has ended",
        async () => {
          const open = await this.#open([...before.map(({ id }) => id), ...(probe === undefined ? [] : [probe])]);
          if (open.length > 0) throw new Error(JSON.stringify(open.slice(0, 3)));
          return this.world.engines.every((engine) => engine.isReady);
        },
        HEAL_MS,
      );
      return performance.now() - began;
    } catch (error) {
      const says = `after ${fault} every saga moves again within ${HEAL_MS / 1000} s`;
      const why = error instanceof Error ? error.message : String(error);
      this.#liveness.push({ invariant: "liveness", says, count: 1, rows: [{ why: why.slice(0, 600) }] });
      return null;
    }
  }

  async #open(ids?: readonly string[]): Promise<readonly object[]> {
    return this.world.sql`
      select o.saga_id, o.definition, o.status, (
        select string_agg(t.path || ' ' || t.status, ', ') from timeline.saga_step t
        where t.saga_id = o.saga_id and t.finished_at is null
      ) as steps
      from timeline.saga_open o
      where o.status <> 'parked' and ${ids === undefined ? this.world.sql`true` : this.world.sql`o.saga_id = any(${[...ids]})`}
    `;
  }

  /** The faults are over: every saga ends, nothing lags, nothing is left behind. */
  async #settle(): Promise<void> {
    // What has parked may park again; who stays parked says why.
    for (let round = 0; round < 3; round += 1) {
      await this.#emptied("every saga has ended or is parked", () => this.#open());
      if ((await this.#load.help()) === 0) break;
    }
    const laws = [
      ["every saga has ended or is parked", async () => this.#open()],
      ["no group lags", () => this.#lagging()],
      [
        "no consumption is left open",
        () => this.world.sql`
          select consumer_group, message_id, topic from timeline.event_consumption where consumed_at is null and not error_flag limit 5
        `,
      ],
      [
        "no transaction is left open",
        () => this.world.sql`
          select pid, application_name, state, query from pg_stat_activity where datname = current_database()
            and state like 'idle in transaction%' and xact_start < clock_timestamp() - interval '5 seconds'
        `,
      ],
      [
        "no slot is left behind",
        () => this.world.sql`select slot_name from pg_replication_slots where not active or wal_status = 'lost'`,
      ],
    ] as const;
    for (const [says, left] of laws) {
      const rows = await this.#emptied(says, left);
      if (rows.length > 0)
        this.#liveness.push({ invariant: "liveness", says, count: rows.length, rows: rows.slice(0, 5) as [] });
    }
  }

  async #emptied(says: string, left: () => PromiseLike<readonly object[]>): Promise<readonly object[]> {
    let rows: readonly object[] = [{ says: "nobody could look" }];
    await eventually(
      says,
      async () => {
        rows = await left();
        return rows.length === 0;
      },
      HEAL_MS,
    ).catch(() => undefined);
    return rows;
  }

  async #lagging(): Promise<readonly object[]> {
    const [url] = this.world.urls();
    const response = await fetch(`${url}/v1/consumer-groups`, { signal: AbortSignal.timeout(20_000) });
    const { items } = (await response.json()) as { items: { group: string; lag: number }[] };
    return items.filter(({ lag }) => lag > 0).map(({ group, lag }) => ({ group, lag }));
  }

  async #outcome(): Promise<Outcome> {
    const { world } = this;
    // The offsets first: what still comes lies behind them then, not before.
    const committed = world.kafka === null ? [] : await committedOffsets(world);
    const kafka = world.kafka === null ? null : { committed, records: await readLog(world) };
    const violations = await check(world.sql, {
      history: this.history,
      abroad: world.driven.abroad,
      samples: this.#sampler.samples,
      rewound: this.#rewound,
      kafka,
    });
    const figures = await this.#figures();
    return {
      mode: this.options.mode,
      strikes: this.strikes,
      violations: [...this.#liveness, ...violations, ...(await this.#folded()), ...this.#vacuous(figures.sagas)],
      figures,
    };
  }

  /** What the engine itself finds when it folds every saga from its events. */
  async #folded(): Promise<readonly Violation[]> {
    const [url] = this.world.urls();
    const rows: object[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const place: string = cursor === "" ? "" : `&cursor=${cursor}`;
      // Many sagas are folded anew: a machine that is short of breath may close the line meanwhile.
      const page = await eventually(
        "the sagas are folded",
        async () => (await (await fetch(`${url}/v1/verify?limit=50${place}`)).json()) as Folded,
        HEAL_MS,
      );
      rows.push(...page.differences, ...page.unverifiable);
      cursor = page.nextCursor;
    }
    if (rows.length === 0) return [];
    const says = "a fold of its events is what the saga's rows say";
    return [{ invariant: "I1", says, count: rows.length, rows: rows.slice(0, 5) as [] }];
  }

  #vacuous(sagas: Figures["sagas"]): readonly Violation[] {
    const undone = (sagas["failed"] ?? 0) + (sagas["cancelled"] ?? 0);
    const done = { minutes: this.#loadMinutes, completed: sagas["completed"] ?? 0, undone };
    return vacuous({ ...done, strikes: this.strikes });
  }

  async #figures(): Promise<Figures> {
    const { sql, engines } = this.world;
    const sagas = await sql<{ status: string; count: number }[]>`
      select status, count(*)::integer as count from timeline.saga group by status
    `;
    const [counts] = await sql<{ requests: number; consumptions: number; duplicates: number; parked: number }[]>`
      select (select count(*)::integer from timeline.event_request) as requests,
        (select count(*)::integer from timeline.event_consumption) as consumptions,
        (select count(*)::integer - count(distinct message_id)::integer from checker.log) as duplicates,
        (select count(distinct correlation_id)::integer from timeline.event_request where message_type = 'saga.parked') as parked
    `;
    return {
      ...(counts as { requests: number; consumptions: number; duplicates: number; parked: number }),
      sagas: Object.fromEntries(sagas.map(({ status, count }) => [status, count])),
      calls: this.history.calls.length,
      unknownCalls: this.history.calls.filter(({ outcome }) => outcome === "unknown").length,
      ownEnds: engines.reduce((sum, { ownEnds }) => sum + ownEnds, 0),
      seconds: Math.round((performance.now() - this.#began) / 1000),
    };
  }
}
