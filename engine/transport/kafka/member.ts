import type { Consumer, EachBatchPayload } from "kafkajs";

import { subscribedAssigner } from "./assigner.ts";
import { atMost } from "./deadline.ts";
import { type KafkaAccess, newKafka } from "./kafka-client.ts";

/** One partition, in Kafka's names. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** What a member tells its owner. */
export interface MemberEvents {
  /** The group was divided anew. All of `owned` is paused: nothing comes before the owner has placed and resumed it. */
  joined(owned: readonly Place[]): void;
  /** The group is about to be divided anew. */
  leaving(): void;
  batch(payload: EachBatchPayload): Promise<void>;
  /** A fetch held nothing but control records, from `from` up to `next`. It may have been under way before a seek. */
  passed(place: Place, from: number, next: number): void;
  /** The client has given up; this member is of no more use. */
  crashed(error: Error): void;
}

const STOP_TIMEOUT_MS = 15_000;

/** One life of a kafkajs consumer: from joining a group to a crash or a stop. Never started twice. */
export class Member {
  readonly #consumer: Consumer;
  readonly #topics: readonly string[];
  readonly #events: MemberEvents;
  #commitNow: EachBatchPayload["commitOffsetsIfNecessary"] | undefined;
  #over = false;
  #aliveAt = Date.now();

  constructor(access: KafkaAccess, groupId: string, topics: readonly string[], events: MemberEvents) {
    this.#topics = topics;
    this.#events = events;
    this.#consumer = newKafka(access).consumer({
      groupId,
      partitionAssigners: [subscribedAssigner],
      // A crashed process is replaced after this long.
      sessionTimeout: 10_000,
      heartbeatInterval: 2_000,
      rebalanceTimeout: 15_000,
      // A fetch returns as soon as there is a record; this bounds only how long a stop or a seek waits for it.
      maxWaitTimeInMs: 250,
      minBytes: 1,
      metadataMaxAge: 60_000,
      allowAutoTopicCreation: false,
      // kafkajs restarts itself after some crashes and stays silent after others: here it is built anew after all.
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 6, restartOnFailure: async () => false },
    });
    this.#listen();
  }

  /** When the client last fetched, beat or joined. */
  get aliveAt(): number {
    return this.#aliveAt;
  }

  /** Connects and joins. A failure to join comes as `crashed`. @throws what kafkajs throws when it cannot connect */
  async start(): Promise<void> {
    await this.#consumer.connect();
    // `fromBeginning`: an offset that Kafka no longer has leads to the oldest message, never past unread ones.
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      // A batch is only handed to the lanes, and all partitions share their room.
      partitionsConsumedConcurrently: 1,
      eachBatch: async (payload) => {
        // A member that was given up may still have a fetch under way; its place belongs to the next one.
        if (this.#over) return;
        this.#commitNow = payload.commitOffsetsIfNecessary;
        await this.#events.batch(payload);
      },
    });
  }

  pause(places: readonly Place[]): void {
    if (!this.#over && places.length > 0) this.#consumer.pause(byTopic(places));
  }

  resume(places: readonly Place[]): void {
    if (!this.#over && places.length > 0) this.#consumer.resume(byTopic(places));
  }

  seek(place: Place, offset: number): void {
    if (!this.#over) this.#consumer.seek({ ...place, offset: String(offset) });
  }

  /**
   * Commits under the present generation. Before the first batch only kafkajs' own `commitOffsets` can be reached: it
   * tries again under a later generation and says nothing when the consumer is stopped, so the caller must check.
   */
  async commit(offsets: readonly (Place & { readonly offset: number })[]): Promise<void> {
    if (offsets.length === 0) return;
    if (this.#commitNow === undefined) {
      await this.#consumer.commitOffsets(offsets.map((one) => ({ ...one, offset: String(one.offset) })));
      return;
    }
    const topics = byTopic(offsets).map(({ topic }) => ({
      topic,
      partitions: offsets
        .filter((one) => one.topic === topic)
        .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
    }));
    await this.#commitNow({ topics });
  }

  /** Leaves the group. Does not wait for a broker that does not answer. */
  async stop(): Promise<void> {
    this.#over = true;
    await atMost(this.#consumer.disconnect(), STOP_TIMEOUT_MS);
  }

  #listen(): void {
    const { events } = this.#consumer;
    const alive = () => {
      this.#aliveAt = Date.now();
    };
    this.#consumer.on(events.FETCH, alive);
    this.#consumer.on(events.HEARTBEAT, alive);
    this.#consumer.on(events.CONNECT, alive);
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      alive();
      if (this.#over) return;
      const owned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.pause(owned);
      this.#events.joined(owned);
    });
    this.#consumer.on(events.REBALANCING, () => {
      if (!this.#over) this.#events.leaving();
    });
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      const { topic, partition, batchSize, firstOffset, lastOffset } = payload;
      if (this.#over || batchSize > 0) return;
      // Of compacted records kafkajs knows no first one, and of all offsets only that which it has asked for.
      const from = Number((firstOffset as string | null) ?? lastOffset);
      this.#events.passed({ topic, partition }, from, Number(lastOffset) + 1);
    });
    this.#consumer.on(events.CRASH, ({ payload }) => {
      if (this.#over) return;
      this.#over = true;
      this.#events.crashed(payload.error);
    });
  }
}

function byTopic(places: readonly Place[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of places) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
