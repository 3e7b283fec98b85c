import type { Definition, Schedule } from "../core/definition.ts";
import type { Evaluator } from "../core/evaluate.ts";
import { Refusal } from "../core/refusal.ts";
import { renderTemplate } from "../core/template.ts";
import { timesOf } from "../definition/cron.ts";
import { Pause } from "../pause.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import { isNoOutcome } from "../timeline/database.ts";
import { decideRun, oldestWaiting, recordTimes, type RunOutcome, scheduleSince } from "../timeline/schedule-runs.ts";
import type { StartRequest, Started } from "./start.ts";

/** How often planned times are looked for. A cron line is exact to the minute. */
const LOOK_EVERY_MS = 1_000;
/** Missed times that are recorded one by one; of more only the newest are. */
const MISSED_MAX = 1_000;

/** What schedules need. */
export interface SchedulesParts {
  readonly sql: Sql;
  readonly definitions: () => ReadonlyMap<string, Definition>;
  readonly start: (request: StartRequest) => Promise<Started>;
  readonly evaluator: Evaluator;
  readonly log: Log;
}

/**
 * Starts sagas by time. Each planned time is a row first; it is started under an Idempotency-Key of its own, so that two
 * processes, or one that dies in between, start it once. After a time in which no engine ran, the newest planned time is
 * made up for and those before it are recorded as skipped.
 */
export class Schedules {
  readonly #parts: SchedulesParts;
  readonly #pause = new Pause();
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(parts: SchedulesParts) {
    this.#parts = parts;
  }

  /** `active`: only then sagas are started; another process does it otherwise. */
  start(active: () => boolean): void {
    this.#loop = this.#run(active);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  async #run(active: () => boolean): Promise<void> {
    while (!this.#stopped) {
      if (active()) await this.look();
      if (this.#stopped) return;
      await this.#pause.about(LOOK_EVERY_MS);
    }
  }

  /** Records the planned times that have come, and starts what may start. */
  async look(): Promise<void> {
    for (const definition of this.#parts.definitions().values()) {
      if (definition.schedule === undefined) continue;
      try {
        await this.#lookAt(definition, definition.schedule);
      } catch (error) {
        if (!isNoOutcome(error))
          this.#parts.log.error(`the schedule of ${definition.name} could not be looked at`, { error });
      }
    }
  }

  async #lookAt({ name }: Definition, schedule: Schedule): Promise<void> {
    const { sql } = this.#parts;
    const clock = await scheduleSince(sql, name);
    if (clock === null) return;
    const due = dueTimes(schedule, clock.since, clock.now);
    if (due.length > 0) await recordTimes(sql, name, due);
    for (let more = true; more && !this.#stopped; ) more = await this.#startOldest(name, schedule);
  }

  /** True: there may be another. */
  async #startOldest(name: string, schedule: Schedule): Promise<boolean> {
    const { sql } = this.#parts;
    const run = await oldestWaiting(sql, name);
    if (run === undefined) return false;
    if (run.busy && schedule.overlap === "queue") return false;
    const outcome: RunOutcome =
      run.busy && schedule.overlap === "skip"
        ? { status: "skipped", reason: "the saga of an earlier time is still open" }
        : await this.#begin(name, schedule, run.planned_at);
    await decideRun(sql, name, run.planned_at, outcome);
    return true;
  }

  async #begin(name: string, schedule: Schedule, plannedAt: Date): Promise<RunOutcome> {
    const { start, evaluator, log } = this.#parts;
    const at = plannedAt.toISOString();
    try {
      const input = renderTemplate(schedule.input, { schedule: { at } }, evaluator);
      const idempotencyKey = `ekiden:schedule:${name}:${at}`;
      const { sagaId } = await start({
        definition: name,
        input,
        duplicate: "reject",
        idempotencyKey,
        keyAlone: true,
        traceparent: null,
      });
      return { status: "started", sagaId };
    } catch (error) {
      if (isNoOutcome(error) || (error instanceof Refusal && /^(engine|saga)\.busy$/.test(error.code))) throw error;
      // Nothing is wrong, and nothing is to be made up for: somebody wants it so.
      if (error instanceof Refusal && error.code === "definition.retired")
        return { status: "skipped", reason: "the definition is retired" };
      const reason = error instanceof Error ? error.message : String(error);
      log.error(`${name} was not started for ${at}`, { error });
      return { status: "refused", reason: error instanceof Refusal ? `${error.code}: ${reason}` : reason };
    }
  }
}

/** The planned times after `since` up to `now`, oldest first; of many the newest `MISSED_MAX`. */
export function dueTimes(schedule: Schedule, since: Date, now: Date): readonly Date[] {
  const next = timesOf(schedule);
  const first = next(since);
  if (first === null || first > now) return [];
  // Backwards from now, as far as it takes: after a year without an engine, half a million minutes need not be walked
  // through. A span of this length, to the minute as lines are, holds no more than can be taken; longer ones may.
  let span = MISSED_MAX * 60_000;
  let due: readonly Date[] = [];
  for (let until = now; until > since && due.length < MISSED_MAX; ) {
    const from = new Date(Math.max(since.getTime(), until.getTime() - span));
    const times = timesBetween(next, from, until);
    if (times === null) {
      span /= 2;
      continue;
    }
    due = [...times, ...due];
    until = from;
    span *= 2;
  }
  return due.slice(-MISSED_MAX);
}

/** The planned times after `from` up to `until`, oldest first; null: more than `MISSED_MAX`. */
function timesBetween(next: (after: Date) => Date | null, from: Date, until: Date): readonly Date[] | null {
  const times: Date[] = [];
  for (let at = next(from); at !== null && at <= until; at = next(at)) {
    if (times.length === MISSED_MAX) return null;
    times.push(at);
  }
  return times;
}
