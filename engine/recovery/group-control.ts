import { errorCode, type Sql } from "../timeline/database.ts";
import type { Consumer } from "../transport/port.ts";

/** How often this process looks whether a person has paused, resumed or rewound a group. */
const LOOK_EVERY_MS = 200;

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
  #stopped = false;
  #loop: Promise<void> | undefined;
  #wake: (() => void) | undefined;

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
    }
    this.#consumers.set(consumer.group, consumer);
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
    this.#wake?.();
    await this.#loop;
  }

  /** Looks at once instead of in a moment: what a person asked for in this process takes effect now. */
  nudge(): void {
    this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.look();
      } catch (error) {
        this.#problem("consumer groups could not be looked at", error);
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** One look: pauses and resumes what differs, carries out the rewinds of partitions that this process owns. */
  async look(): Promise<void> {
    const groups = await this.#sql<GroupRow[]>`select consumer_group, paused from timeline.consumer_group`;
    await Promise.all(groups.map((row) => this.#follow(row)));
    const rewinds = await this.#sql<RewindRow[]>`
      select id, consumer_group, topic, partition, "offset" from timeline.rewind_request where done_at is null order by id
    `;
    for (const row of rewinds) await this.#rewind(row);
  }

  async #follow(row: GroupRow): Promise<void> {
    const consumer = this.#consumers.get(row.consumer_group);
    if (consumer === undefined || this.#paused.has(row.consumer_group) === row.paused) return;
    await (row.paused ? consumer.pause() : consumer.resume());
    if (row.paused) this.#paused.add(row.consumer_group);
    else this.#paused.delete(row.consumer_group);
  }

  async #rewind(row: RewindRow): Promise<void> {
    const consumer = this.#consumers.get(row.consumer_group);
    if (consumer === undefined || !consumer.owns(row.topic, row.partition)) return;
    let problem: string | null = null;
    try {
      await consumer.rewind(row.topic, row.partition, row.offset);
    } catch (error) {
      problem = error instanceof Error ? error.message : (errorCode(error) ?? "unknown");
    }
    await this.#sql`
      update timeline.rewind_request set done_at = clock_timestamp(), problem = ${problem} where id = ${row.id} and done_at is null
    `;
  }
}
