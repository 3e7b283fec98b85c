import { failpoint } from "../failpoint.ts";
import { Pause } from "../pause.ts";
import { errorCode, type Sql } from "../timeline/database.ts";
import type { Consumer } from "../transport/port.ts";

/** How long a rewind that fails for a reason that may pass is tried again, milliseconds. */
const TRIED_FOR_MS = 120_000;

/**
 * How often this process looks whether a person has paused, resumed or rewound a group. What was asked for in this very
 * process takes effect at once (`nudge`).
 */
const LOOK_EVERY_MS = 500;

interface GroupRow {
  consumer_group: string;
  paused: boolean;
}

interface RewindRow {
  id: string;
  consumer_group: string;
  topic: string;
  partition: number;
  offset: number;
  skip: boolean;
  /** Since when it is asked for, milliseconds. */
  age: number;
}

interface LookRow extends GroupRow {
  rewinds: RewindRow[] | null;
}

/**
 * Carries out in this process what a person asked for in the database: pause, resume, rewind. Every process that runs
 * members of a group looks; the one that owns the partition acts.
 */
export class GroupControl {
  readonly #sql: Sql;
  readonly #problem: (what: string, error: unknown) => void;
  readonly #consumers = new Map<string, Consumer>();
  readonly #paused = new Set<string>();
  readonly #rewinding = new Set<string>();
  readonly #following = new Map<string, Promise<void>>();
  #stopped = false;
  #loop: Promise<void> | undefined;
  readonly #pause = new Pause();

  constructor(sql: Sql, problem: (what: string, error: unknown) => void) {
    this.#sql = sql;
    this.#problem = problem;
  }

  /** Adds a member; a group that is paused stays paused. */
  async add(consumer: Consumer): Promise<void> {
    const [row] = await this.#sql<GroupRow[]>`
      select consumer_group, paused from timeline.consumer_group where consumer_group = ${consumer.group}
    `;
    if (row?.paused) {
      this.#paused.add(consumer.group);
      await consumer.pause();
    } else {
      // It may have been resumed since the transport looked.
      await consumer.resume();
    }
    this.#consumers.set(consumer.group, consumer);
  }

  /** Takes a member out: another one of its group may come. */
  remove(consumer: Consumer): void {
    if (this.#consumers.get(consumer.group) !== consumer) return;
    this.#consumers.delete(consumer.group);
    this.#paused.delete(consumer.group);
  }

  get consumers(): readonly Consumer[] {
    return [...this.#consumers.values()];
  }

  member(group: string): Consumer | undefined {
    return this.#consumers.get(group);
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  /** Looks at once instead of in a moment: what a person asked for in this process takes effect now. */
  nudge(): void {
    this.#pause.end();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.look();
      } catch (error) {
        this.#problem("consumer groups could not be looked at", error);
      }
      if (!this.#stopped) await this.#pause.about(LOOK_EVERY_MS);
    }
  }

  /** One look: pauses and resumes what differs, carries out the rewinds of partitions that this process owns. */
  async look(): Promise<void> {
    // In one query: on an idle engine, what this costs is how many queries it takes.
    const groups = await this.#sql<LookRow[]>`
      select g.consumer_group, g.paused, (
        select jsonb_agg(jsonb_build_object('id', r.id, 'consumer_group', r.consumer_group, 'topic', r.topic,
          'partition', r.partition, 'offset', r."offset", 'skip', r.skip,
          'age', round(extract(epoch from clock_timestamp() - r.requested_at) * 1000)) order by r.id)
        from timeline.rewind_request r where r.consumer_group = g.consumer_group and r.done_at is null
      ) as rewinds
      from timeline.consumer_group g
    `;
    // Not awaited: a pause waits for the handlers in progress.
    for (const row of groups) this.#follow(row);
    // Not awaited: one that waits for a slow handler must not hold up other groups.
    for (const row of groups.flatMap(({ rewinds }) => rewinds ?? [])) void this.#rewindOnce(row);
  }

  #follow({ consumer_group: group, paused }: GroupRow): void {
    const consumer = this.#consumers.get(group);
    if (consumer === undefined || this.#paused.has(group) === paused) return;
    if (paused) this.#paused.add(group);
    else this.#paused.delete(group);
    const turn = (this.#following.get(group) ?? Promise.resolve()).then(() =>
      paused ? consumer.pause() : consumer.resume(),
    );
    const settled = turn.catch((error: unknown) => {
      // Looked at again in a moment, as if it had not been asked for.
      if (paused) this.#paused.delete(group);
      else this.#paused.add(group);
      this.#problem(`group ${group} could not be ${paused ? "paused" : "resumed"}`, error);
    });
    this.#following.set(group, settled);
  }

  /** Looks, and resolves when this process has followed: paused means that nothing of the group runs here any more. */
  async followed(group: string): Promise<void> {
    await this.look();
    await this.#following.get(group);
  }

  async #rewindOnce(row: RewindRow): Promise<void> {
    if (this.#rewinding.has(row.id)) return;
    this.#rewinding.add(row.id);
    try {
      await this.#rewind(row);
    } catch (error) {
      this.#problem("a rewind could not be carried out and is tried again", error);
    } finally {
      this.#rewinding.delete(row.id);
    }
  }

  async #rewind(row: RewindRow): Promise<void> {
    const consumer = this.#consumers.get(row.consumer_group);
    if (consumer === undefined || !consumer.owns(row.topic, row.partition)) return;
    let problem: string | null = null;
    try {
      await consumer.rewind(row.topic, row.partition, row.offset, row.skip);
      failpoint("rewind", "after-effect");
    } catch (error) {
      // Owned by another member now, which carries it out: a rebalance came in between.
      if (!consumer.owns(row.topic, row.partition)) return;
      const refused = errorCode(error) === "kafka.offset-out-of-range";
      if (!refused && row.age < TRIED_FOR_MS) throw error;
      problem = error instanceof Error ? error.message : (errorCode(error) ?? "unknown");
    }
    await this.#sql`
      update timeline.rewind_request set done_at = clock_timestamp(), problem = ${problem} where id = ${row.id} and done_at is null
    `;
    failpoint("rewind", "after-commit");
  }
}
