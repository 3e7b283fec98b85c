import { Pause } from "../pause.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import type { Broker, PartHealth, Position, TopicEnd } from "../transport/port.ts";
import { unknownIn } from "./forgotten.ts";
import {
  anotherDatabase,
  declareNeed,
  emptiedKafka,
  endOf,
  fallenShort,
  type History,
  keepPositions,
  type Need,
  readHistory,
  readPositions,
  restored,
} from "./identity.ts";

const LOOK_EVERY_MS = 5_000;
/** Asking every topic where it ends is a request for each. */
const ENDS_EVERY_MS = 30_000;
/** Of a partition that has grown more since it was last written down, the newest are read. */
const READ_MAX = 5_000;

/**
 * Notices that the database was restored to an earlier point, or that Kafka has lost its messages. Then every group is
 * held and `/health/ready` is red, until a person has run `ekiden recover`.
 */
export class HistoryWatch {
  readonly #sql: Sql;
  readonly #log: Log;
  readonly #everyMs: number;
  #broker: Broker | undefined;
  #history: History | undefined;
  /** Highest position of the log that this process has seen, of which generation. */
  #reached = { generation: 0, lsn: 0n };
  #endsAt = Number.NEGATIVE_INFINITY;
  #read = false;
  /** Partitions that ended too early at the last look. */
  #suspected: readonly TopicEnd[] = [];
  readonly #pause = new Pause();
  #stopped = false;
  #loop: Promise<void> | undefined;

  constructor(sql: Sql, log: Log, everyMs = LOOK_EVERY_MS) {
    this.#sql = sql;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** Whether `ekiden recover` must be run, as last seen. */
  get need(): Need | null {
    return this.#history?.need ?? null;
  }

  /** Compares the database with what it remembers of itself. To be called before anything is consumed. */
  async lookAtDatabase(): Promise<void> {
    const history = await readHistory(this.#sql);
    if (history.need === null) {
      const need = anotherDatabase(history) ?? this.#wentBack(history);
      if (need !== null) await this.#declare(history, need);
      else this.#history = history;
    } else this.#history = history;
    const { generation, lsn } = history;
    if (generation !== this.#reached.generation || lsn > this.#reached.lsn) this.#reached = { generation, lsn };
  }

  /** Compares Kafka with what the database remembers of it. To be called before anything is consumed. */
  async lookAtBroker(broker: Broker | undefined): Promise<void> {
    this.#broker = broker;
    if (broker === undefined || this.need !== null) return;
    try {
      await this.#lookAtEnds(broker);
    } catch (error) {
      // A topic that was made a moment ago may have no leader yet; the next look asks again.
      this.#troubled(error);
    }
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.end();
    await this.#loop;
  }

  /** Nothing while all is well. */
  health(): readonly PartHealth[] {
    const { need } = this;
    if (need === null) return [];
    const hint =
      "Nothing is consumed meanwhile. `ekiden recover --preview` says what is to be done, `ekiden recover --reason …` does it.";
    return [{ part: "history", ok: false, detail: need.detail, hint }];
  }

  /** One look. */
  async look(): Promise<void> {
    await this.lookAtDatabase();
    const broker = this.#broker;
    if (broker === undefined || this.need !== null) return;
    if (!this.#read) await this.#readNewest(broker);
    await this.#lookAtEnds(broker);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.look();
      } catch (error) {
        this.#troubled(error);
      }
      if (this.#stopped) return;
      await this.#pause.about(this.#everyMs);
    }
  }

  /** Whoever is away is red in its own line of the health report. */
  #troubled(error: unknown): void {
    if (!this.#stopped) this.#log.info("the history could not be looked at", { reason: String(error) });
  }

  /** While a process runs, the log can only have become shorter by a restore. */
  #wentBack({ generation, lsn }: History): Need | null {
    if (generation !== this.#reached.generation || lsn >= this.#reached.lsn) return null;
    return restored("PostgreSQL's log is shorter than it was: the database was restored to an earlier point");
  }

  async #lookAtEnds(broker: Broker): Promise<void> {
    const history = this.#history as History;
    const cluster = await broker.cluster();
    const isOther = history.known.kafkaCluster !== null && history.known.kafkaCluster !== cluster;
    const due = performance.now() - this.#endsAt >= ENDS_EVERY_MS;
    if (!isOther && !due && this.#suspected.length === 0) return;
    // The positions first: they never run ahead of what is read afterwards.
    const positions = await readPositions(this.#sql);
    const ends = await broker.ends();
    const need = emptiedKafka(history.known.kafkaCluster, cluster, positions, ends);
    if (need === null) {
      this.#suspected = [];
      this.#endsAt = performance.now();
      if (this.#read || positions.every((position) => endOf(ends, position) === position.end))
        await keepPositions(this.#sql, history.generation, cluster, ends);
      return;
    }
    // A broker that has just come up may not know all of its topics yet. Where a partition ends now is no part of the
    // comparison: one that was made again grows under load.
    const before = this.#suspected;
    this.#suspected = fallenShort(positions, ends);
    if (!isOther && !this.#suspected.some((one) => before.some((other) => isSame(one, other)))) return;
    await this.#declare(history, need);
  }

  /** A copy of the data folder that was put back tells nothing; what Kafka holds beyond it does. Once a process. */
  async #readNewest(broker: Broker): Promise<void> {
    // Where the connector has read to is only a sign, and Kafka Connect may be away.
    const confirmed = await broker.confirmed().catch(() => null);
    // Read afterwards: meanwhile both go on.
    const history = await readHistory(this.#sql);
    if (confirmed !== null && confirmed > history.lsn) {
      const detail =
        "the connector has read further than PostgreSQL's log reaches: it was restored to an earlier point";
      await this.#declare(history, restored(detail));
      return;
    }
    const positions = await readPositions(this.#sql);
    const places = unseen(positions, await broker.ends());
    const unknown = await unknownIn(this.#sql, broker, places);
    const count = unknown.topics.reduce((sum, { messages }) => sum + messages, 0);
    if (count > 0) {
      const detail = `Kafka holds ${count} messages of this engine that the database does not know: it was restored to an earlier point`;
      await this.#declare(history, restored(detail));
    }
    this.#read = true;
    this.#endsAt = Number.NEGATIVE_INFINITY;
  }

  async #declare(history: History, need: Need): Promise<void> {
    if (await declareNeed(this.#sql, history.generation, need))
      this.#log.error("nothing is consumed until `ekiden recover` has been run", { reason: need.detail });
    this.#history = await readHistory(this.#sql);
  }
}

function isSame(one: TopicEnd, other: TopicEnd): boolean {
  return one.topic === other.topic && one.partition === other.partition;
}

/** What has come to Kafka since it was written down, at most the newest `READ_MAX` of each partition. */
function unseen(positions: readonly TopicEnd[], ends: readonly TopicEnd[]): readonly Position[] {
  return positions.flatMap((position) => {
    const end = endOf(ends, position);
    const { topic, partition } = position;
    return end > position.end ? [{ topic, partition, offset: Math.max(position.end, end - READ_MAX) }] : [];
  });
}
