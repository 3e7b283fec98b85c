import postgres from "postgres";

import type { RunningPostgres } from "../engine/stack/embedded-postgres.ts";
import type { Contestant } from "./contestants.ts";
import type { Run } from "./load.ts";
import { COUNTS_TOLD_MS, type Counters, counted, type Measured, readCounters, walPosition } from "./meters.ts";
import { cpuSeconds, residentMiB } from "./processes.ts";
import { median } from "./statistics.ts";
import type { Load } from "./timed-load.ts";

/** How a comparison is run. */
export interface Plan {
  readonly rounds: number;
  /** Of one run. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Sagas in flight while warming up, and at saturation unless `tries` says otherwise. */
  readonly inFlight: number;
  /** Each side is tried with so many in flight and measured at saturation with what was best for it; none: with `inFlight`. */
  readonly tries: readonly number[];
  /** Of what other programs may take of the machine in a run; one that exceeds it is thrown away and run again, twice. */
  readonly foreignMax: number;
  /** Sagas in flight, and shares of a side's own saturation, that the charts show besides. */
  readonly inFlights: readonly number[];
  readonly shares: readonly number[];
  /** How long to wait until PostgreSQL has told its counts. */
  readonly countsToldMs: number;
}

/** The plan of a run whose result is kept. */
export const FULL: Plan = {
  rounds: 3,
  seconds: 8,
  warmUpSeconds: 12,
  inFlight: 150,
  tries: [50, 150, 400],
  foreignMax: 0.25,
  inFlights: [1, 5, 15],
  shares: [0.1, 0.25, 0.75, 0.9],
  countsToldMs: COUNTS_TOLD_MS,
};

/** A measured run with the bytes of PostgreSQL's log a saga. */
export interface Sample extends Measured {
  readonly walBytes: number;
}

/** All that was measured of one side. */
export interface Side {
  readonly name: string;
  readonly title: string;
  /** Sagas in flight at saturation. */
  inFlight: number;
  /** One a round, in the order of the rounds. */
  readonly saturation: Sample[];
  readonly idle: Sample[];
  /** At half of the median at saturation. */
  readonly half: Sample[];
  /** A saga, over all runs at saturation. */
  counters: Counters;
  residentMiB: number;
  /** CPU of its own processes while nobody asks for anything, percent of a core. */
  idlePercent: number;
  readonly byInFlight: { readonly inFlight: number; readonly perSecond: number }[];
  readonly byLoad: { readonly perSecond: number; readonly p95: number }[];
  /** Runs that were thrown away because of other programs. */
  thrownAway: number;
}

/** What is said while it runs. */
export type Say = (line: string) => void;

/** Measures contestants in turn, A B C A B C …, so that what changes on the machine meanwhile changes for all. */
export async function measureSideBySide(
  contestants: readonly Contestant[],
  server: RunningPostgres,
  plan: Plan,
  say: Say,
): Promise<readonly Side[]> {
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    const lanes = contestants.map((contestant) => new Lane(contestant, sql, server.pid, plan, say));
    // The first write to a page behind a checkpoint logs the whole page: paid for while warming up, by every side.
    await sql`checkpoint`;
    for (const lane of lanes) await lane.warmUp();
    for (const inFlight of plan.tries) await inTurn(lanes, 1, (lane) => lane.atInFlight(inFlight));
    for (const lane of lanes) lane.settleInFlight();
    await saturate(lanes, plan);
    await inTurn(lanes, plan.rounds, (lane) => lane.idle());
    await inTurn(lanes, plan.rounds, (lane) => lane.half());
    for (const inFlight of plan.inFlights) await inTurn(lanes, 1, (lane) => lane.atInFlight(inFlight));
    for (const share of plan.shares) await inTurn(lanes, 1, (lane) => lane.atShare(share));
    for (const lane of lanes) await lane.checkEffects(server.url);
    return lanes.map(({ side }) => side);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The rounds at saturation, between two looks at what PostgreSQL has counted. */
async function saturate(lanes: readonly Lane[], plan: Plan): Promise<void> {
  await Bun.sleep(plan.countsToldMs);
  for (const lane of lanes) await lane.beginCount();
  await inTurn(lanes, plan.rounds, (lane) => lane.saturation());
  for (const lane of lanes) lane.beginIdle();
  const began = performance.now();
  await Bun.sleep(plan.countsToldMs);
  const seconds = (performance.now() - began) / 1_000;
  for (const lane of lanes) lane.endIdle(seconds);
  for (const lane of lanes) await lane.endCount();
}

async function inTurn(lanes: readonly Lane[], rounds: number, act: (lane: Lane) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const lane of lanes) await act(lane);
}

const TRIES = 3;

/** One contestant on its way through the plan. */
class Lane {
  readonly side: Side;
  readonly #contestant: Contestant;
  readonly #sql: postgres.Sql;
  readonly #postgresPid: number;
  readonly #plan: Plan;
  readonly #say: Say;
  #sagas = 0;
  #counted = { sagas: 0, commits: 0, rowWrites: 0 };
  #idleFrom = 0;

  constructor(contestant: Contestant, sql: postgres.Sql, postgresPid: number, plan: Plan, say: Say) {
    const { name, title } = contestant;
    this.#contestant = contestant;
    this.#sql = sql;
    this.#postgresPid = postgresPid;
    this.#plan = plan;
    this.#say = say;
    this.side = {
      name,
      title,
      inFlight: plan.inFlight,
      saturation: [],
      idle: [],
      half: [],
      counters: { commits: 0, rowWrites: 0 },
      residentMiB: 0,
      idlePercent: 0,
      byInFlight: [],
      byLoad: [],
      thrownAway: 0,
    };
  }

  async warmUp(): Promise<void> {
    const { warmUpSeconds: seconds, inFlight } = this.#plan;
    await this.#run({ seconds, inFlight });
    this.#say(`${this.side.name}: warm`);
  }

  /** Takes what was best of what it was tried with. */
  settleInFlight(): void {
    const [best] = [...this.side.byInFlight].sort((one, other) => other.perSecond - one.perSecond);
    if (best !== undefined) this.side.inFlight = best.inFlight;
  }

  async saturation(): Promise<void> {
    const { inFlight } = this.side;
    const { seconds } = this.#plan;
    this.side.saturation.push(await this.#measure("saturation", { seconds, inFlight }));
    const { pids } = this.#contestant;
    const resident = Object.entries(pids).map(([name, pid]) => (name === "load" ? 0 : residentMiB(pid)));
    this.side.residentMiB = resident.reduce((sum, one) => sum + one, 0);
  }

  async idle(): Promise<void> {
    this.side.idle.push(await this.#measure("idle", { seconds: this.#plan.seconds / 2, inFlight: 1 }));
  }

  async half(): Promise<void> {
    this.side.half.push(await this.#measure("half load", this.#openLoad(0.5)));
  }

  async atInFlight(inFlight: number): Promise<void> {
    const { perSecond } = await this.#measure(`${inFlight} in flight`, { seconds: this.#plan.seconds / 2, inFlight });
    this.side.byInFlight.push({ inFlight, perSecond });
  }

  async atShare(share: number): Promise<void> {
    const load = this.#openLoad(share);
    const { p95 } = await this.#measure(`${share * 100} % of saturation`, load);
    this.side.byLoad.push({ perSecond: load.perSecond, p95 });
  }

  async beginCount(): Promise<void> {
    this.#counted = { sagas: this.#sagas, ...(await readCounters(this.#sql, this.#contestant.database)) };
  }

  async endCount(): Promise<void> {
    const { commits, rowWrites } = await readCounters(this.#sql, this.#contestant.database);
    const sagas = this.#sagas - this.#counted.sagas;
    this.side.counters = {
      commits: (commits - this.#counted.commits) / sagas,
      rowWrites: (rowWrites - this.#counted.rowWrites) / sagas,
    };
  }

  beginIdle(): void {
    this.#idleFrom = this.#ownSeconds();
  }

  endIdle(seconds: number): void {
    this.side.idlePercent = ((this.#ownSeconds() - this.#idleFrom) / Math.max(seconds, 0.001)) * 100;
  }

  /** @throws when the effects are not as many as the sagas that were said to have ended. */
  async checkEffects(serverUrl: string): Promise<void> {
    const address = new URL(serverUrl);
    address.pathname = `/${this.#contestant.database}`;
    const sql = postgres(address.href, { max: 1, onnotice: () => {} });
    const [row] = await sql.unsafe<{ sagas: number }[]>(this.#contestant.ended).finally(() => sql.end({ timeout: 5 }));
    if (row?.sagas !== this.#sagas)
      throw new Error(`${this.side.name}: ${this.#sagas} sagas ended, ${row?.sagas} have their effects`);
  }

  #openLoad(share: number): { readonly seconds: number; readonly perSecond: number } {
    const perSecond = share * median(this.side.saturation.map((sample) => sample.perSecond));
    return { seconds: this.#plan.seconds / 2, perSecond };
  }

  async #measure(what: string, load: Load): Promise<Sample> {
    let best: Sample | undefined;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const sample = await this.#sample(load);
      this.#say(
        `${this.side.name}, ${what}: ${sample.perSecond.toFixed(0)} sagas/s, p50 ${sample.p50.toFixed(1)} ms, ` +
          `p95 ${sample.p95.toFixed(1)} ms, foreign_cores ${sample.foreignCores.toFixed(2)}`,
      );
      if (best === undefined || sample.foreignCores < best.foreignCores) best = sample;
      if (sample.foreignCores <= this.#plan.foreignMax) break;
      if (attempt < TRIES) this.side.thrownAway += 1;
    }
    return best as Sample;
  }

  async #sample(load: Load): Promise<Sample> {
    const before = await walPosition(this.#sql);
    const pids = { ...this.#contestant.pids, postgres: this.#postgresPid };
    const measured = await counted(pids, () => this.#run(load), "bench");
    return { ...measured, walBytes: ((await walPosition(this.#sql)) - before) / measured.sagas };
  }

  async #run(load: Load): Promise<Run> {
    const run = await this.#contestant.run(load);
    this.#sagas += run.sagas;
    return run;
  }

  #ownSeconds(): number {
    return Object.values(this.#contestant.pids).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  }
}
