import type { Sql } from "../../../engine/timeline/database.ts";
import { connect } from "../../../engine/timeline/database.ts";
import { freshDatabase } from "../postgres.ts";
import { endOf, type Parts, partsOf, prepare, rest, type Standing, stand, stateOf, TRANSACTIONS } from "./crossing.ts";
import { type Played, play, Schedules } from "./interleave.ts";
import { TurnProxy } from "./turn-proxy.ts";

/** How a pair of transactions went against each other. */
export interface Explored {
  readonly schedules: number;
  /** Of these, those in which a transition met a step at work and left its end to the answer (S3, S14). */
  readonly later: number;
  /** Schedules whose outcome is that of neither order, told statement by statement. */
  readonly anomalies: readonly string[];
}

/** Two processes on a database of their own, each behind a proxy that gives its statements their turns. */
export class Laboratory {
  readonly #sql: Sql;
  readonly #parts: readonly [Parts, Parts];
  readonly #proxies: readonly [TurnProxy, TurnProxy];
  readonly #setUp: Parts;
  readonly #drop: () => Promise<void>;
  #runs = 0;

  private constructor(
    sql: Sql,
    parts: readonly [Parts, Parts],
    proxies: readonly [TurnProxy, TurnProxy],
    setUp: Parts,
    drop: () => Promise<void>,
  ) {
    this.#sql = sql;
    this.#parts = parts;
    this.#proxies = proxies;
    this.#setUp = setUp;
    this.#drop = drop;
  }

  static async open(): Promise<Laboratory> {
    const database = await freshDatabase();
    const sql = connect(database.url, { max: 2, name: "explorer" });
    await prepare(sql, database.url);
    const proxies = [await TurnProxy.start(database.url), await TurnProxy.start(database.url)] as const;
    const parts = [
      await partsOf(sql, database.url, "first", proxies[0]),
      await partsOf(sql, database.url, "second", proxies[1]),
    ] as const;
    const setUp = await partsOf(sql, database.url, "set up");
    return new Laboratory(sql, parts, proxies, setUp, async () => {
      for (const each of [...parts, setUp]) await each.close();
      for (const proxy of proxies) await proxy.stop();
      await sql.end({ timeout: 5 });
      await database.drop();
    });
  }

  get sql(): Sql {
    return this.#sql;
  }

  close(): Promise<void> {
    return this.#drop();
  }

  /** Runs a pair in every schedule with at most so many switches, up to a number of them; `max` undefined: all. */
  async explore(pair: readonly [string, string], switches: number, max = Number.POSITIVE_INFINITY): Promise<Explored> {
    const schedules = new Schedules(switches);
    const serial = { now: new Set<string>(), atRest: new Set<string>() };
    let later = 0;
    const anomalies: string[] = [];
    let count = 0;
    for (let turns = schedules.next(); turns !== undefined && count < max; turns = schedules.next()) {
      const { standing, played, now } = await this.#once(pair, turns);
      count += 1;
      // The first two are the two orders themselves. What fails in one of them would be allowed in every other schedule.
      if (count <= 2) {
        serial.now.add(now);
        if (failures(played).length > 0) anomalies.push(told(pair, played, ["failed one after the other:", now]));
      }
      if (count <= 2 || !serial.now.has(now)) {
        const atRest = await this.#rested(standing, played);
        if (count <= 2) serial.atRest.add(atRest);
        else if (serial.atRest.has(atRest)) later += 1;
        else anomalies.push(told(pair, played, [now, atRest, "one after the other:", ...serial.atRest]));
      }
      schedules.played(turns, played.turns);
    }
    return { schedules: count, later, anomalies };
  }

  async #once(pair: readonly [string, string], turns: readonly number[]) {
    this.#runs += 1;
    const standing = await stand(this.#sql, this.#setUp, `run ${this.#runs}.`);
    const session = (at: 0 | 1) => ({
      proxy: this.#proxies[at],
      work: () => (TRANSACTIONS[pair[at]] as (typeof TRANSACTIONS)[string])(this.#parts[at], standing),
    });
    const played = await play(this.#sql as never, [session(0), session(1)], turns);
    const now = `${played.results.map(said).join(" | ")} | ${await stateOf(this.#sql, standing.note)}`;
    // What is due of this saga must not fire in the next run.
    await this.#sql`delete from timeline.timer`;
    return { standing, played, now };
  }

  /** What becomes of the saga once everything is delivered. A call that failed is none of either order. */
  async #rested({ sagaId }: Standing, played: Played): Promise<string> {
    await rest(this.#sql, this.#setUp, sagaId);
    return [...failures(played), await endOf(this.#sql, sagaId)].join(" | ");
  }
}

function told(pair: readonly [string, string], { statements }: Played, seen: readonly string[]): string {
  return [`${pair.join(" against ")}:`, ...statements, ...seen].join("\n");
}

function failures({ results }: Played): readonly string[] {
  return results.filter(({ status }) => status === "rejected").map(said);
}

/** Which of two equal calls came first is part of the order, and so of the outcome. */
function said(result: PromiseSettledResult<unknown>): string {
  if (result.status === "fulfilled") {
    return JSON.stringify(result.value ?? null).replace(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "ID");
  }
  const { reason } = result as PromiseRejectedResult;
  return `${(reason as { code?: string }).code ?? ""} ${String(reason)}`.replace(/[0-7][0-9A-HJKMNP-TV-Z]{25}/g, "ID");
}
