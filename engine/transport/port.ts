/**
 * The transport port: how rows of `timeline.event_request` reach consumers. Two adapters, `kafka/` (Debezium, Kafka,
 * kafkajs) and `embedded/` (the outbox read in this process); one contract suite runs against both.
 */

import type { Bound } from "../core/bound.ts";

/** Reserved: heartbeats travel on it. A command's topic has a dot in its name. */
export const HEARTBEAT_TOPIC = "__heartbeat";

/** One message as a consumer group receives it. Topic and group names never carry the configured prefix. */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Kafka's record time; embedded: when the row was written. */
  readonly recordedAt: Date;
  /** When this process got it. */
  readonly receivedAt: Date;
  readonly key: string | null;
  /** Header values as text; a null column is an absent header, represented by null or a missing key. */
  readonly headers: Readonly<Record<string, string | null>>;
  /** The body as JSON text; null for a tombstone. Bytes that are no UTF-8 arrive with replacement characters. */
  readonly value: string | null;
  /**
   * Resolves when the message has its place in the topic; absent: it has. What is consumed must not be committed before,
   * and not at all when it rejects: `placed` waits for it.
   */
  readonly placed?: Promise<void>;
  /**
   * Written by this very process, handed over with its commit, and delivered for the first time: the event store holds it as
   * it stands here, and nobody has handled it. Whatever comes again, or from a table or a topic, has lost the mark.
   */
  readonly own?: true;
}

/** The same message, to be delivered again: what became of it the first time, the database must say. */
export function notOwn(delivery: Delivery): Delivery {
  if (delivery.own === undefined) return delivery;
  const { own: _own, ...known } = delivery;
  return known;
}

/** A message has no place in its topic: whatever it led to must not be committed. It comes again. */
export class NotPlaced extends Error {
  /** Of the class that says nothing about the message itself. */
  readonly code = "57EK2";

  constructor(cause: unknown) {
    super("the place of a message could not be written", { cause });
  }
}

/** Waits until messages that came while they were being written have their places. @throws NotPlaced */
export async function placed(batch: readonly Delivery[]): Promise<void> {
  for (const writing of new Set(batch.map((delivery) => delivery.placed))) await writing;
}

/**
 * What became of one delivery: `done` (its outcome is committed), `again` (no outcome: redeliver in place, with
 * backoff, its key waits), `alone` (redeliver at once, in a batch of its own: it is slow or it failed among others),
 * `later` (nothing is wrong, it waits for its time: redeliver after `laterMs`, alone; until it is done it takes no place).
 */
export type Verdict = "done" | "again" | "alone" | "later";

/** What a consumer group wants and how it handles it. */
export interface Subscription {
  /** `dispatcher`, `<domain>` or `<domain>.<projection>`. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Batches in progress at once. Batches in progress never share a message key. */
  readonly lanes: number;
  /** Messages that go alone in progress at once, beside the batches. */
  readonly singles: number;
  /** Most messages in one batch. */
  readonly batchMax: number;
  /** True: `handle` itself waits for `placed`, before it commits anything; else it gets messages that have their places. */
  readonly awaitsPlaces?: true;
  /** True: it makes use of the mark `own`; one group at most for each topic. */
  readonly knowsOwn?: true;
  /** Gives a message a queue of its own inside its topic, beside those of its key; absent or null: its key's queue. */
  laneOf?(delivery: Delivery): string | null;
  /** False: a message that goes alone must wait, while others that go alone need not. Asked again whenever one has ended. */
  mayBegin?(delivery: Delivery): boolean;
  /** How long a message waits that was answered with `later`, milliseconds; absent: a moment. */
  laterMs?(delivery: Delivery): number;
  /** True: nothing but a record of it is to be written, which may wait a moment for others, or for the next of its key. */
  mayRest?(delivery: Delivery): boolean;
  /**
   * Handles a batch, each key's messages in order. The verdicts stand at the index of their delivery. A verdict other
   * than `done` holds for all later deliveries of the same key in the batch. Throwing = `again` for the whole batch.
   */
  handle(batch: readonly Delivery[], alone: boolean): Promise<readonly Verdict[]>;
}

export type ConsumerState =
  /** Messages flow. */
  | "running"
  /** Paused by a person. */
  | "paused"
  /** Another process owns the group (embedded), or this member owns no partition (Kafka). */
  | "standby"
  /** The client crashed and is being built again. */
  | "rebuilding"
  | "stopped";

/** One member of a group, as `/health/ready` and `/v1/consumer-groups` show it. */
export interface ConsumerStatus {
  readonly group: string;
  readonly state: ConsumerState;
  /** Partitions this member owns. */
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  /** Messages taken in and not yet done. */
  readonly inHand: number;
  /** Last time a message was done or the client was seen idle and alive. */
  readonly progressAt: Date;
  /** Why it is not well; absent = well. */
  readonly problem?: string;
  /** What a person should look at while it does its work. */
  readonly warning?: string;
}

/** A running member of a consumer group. */
export interface Consumer {
  readonly group: string;
  /** Takes no further message and waits for those in progress (queued ones are dropped; they come again). */
  pause(): Promise<void>;
  resume(): Promise<void>;
  owns(topic: string, partition: number): boolean;
  /**
   * Moves this group's committed offset of one owned partition, after everything in progress of that partition has
   * ended; consumption goes on from there (when not paused). The offset is committed before this resolves. Back only: an
   * offset beyond what is consumed is taken as where the group stands, or a message would be lost; unless `skip` says so.
   */
  rewind(topic: string, partition: number, offset: number, skip?: boolean): Promise<void>;
  status(): ConsumerStatus;
  /** What this member keeps in memory and does at once. */
  readonly bounds: readonly Bound[];
  /** Drains: takes no more, awaits what is in progress, commits offsets, leaves the group. */
  stop(): Promise<void>;
}

/** Where a group stands in one partition. `end` is the offset of the next message to come. */
export interface PartitionOffsets {
  readonly topic: string;
  readonly partition: number;
  readonly earliest: number;
  readonly end: number;
  /** The next message to consume; null when the group has never committed here (it starts at `earliest`). */
  readonly committed: number | null;
}

/** Who consumes one partition of a group. */
export interface PartitionOwner {
  readonly topic: string;
  readonly partition: number;
  /** Host and process, as in `event_consumption.consumer`. */
  readonly owner: string;
}

/** One line of a health report. */
export interface PartHealth {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do, when not ok. */
  readonly hint?: string;
}

/** A committed row of the outbox, as the process that wrote it hands it over. Header names are those on the wire. */
export interface CommittedRequest {
  readonly messageId: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly value: string;
  readonly requestedAt: Date;
  /** Transaction id (`pg_current_xact_id()`), as text. */
  readonly xid: string;
}

/** A row that a transaction is about to write and to commit. */
export interface AnnouncedRequest {
  readonly messageId: string;
  readonly key: string;
}

/**
 * Announces rows of one transaction. Opened while the transaction still holds its sagas' locks, so that the order of
 * opening is the commit order of each key, whatever order the acknowledgements come in (reliability R13b).
 */
export interface HandOver {
  /** The transaction is committed: its rows, all that were announced, may be delivered. */
  committed(rows: readonly CommittedRequest[]): void;
  /** Rolled back, or its end is not known: whatever did commit is found by reading the table. */
  abandoned(): void;
}

/** The connector between outbox and topics and the replication slot that it reads, as they were just seen. */
export interface RelayState {
  readonly connector: {
    readonly name: string;
    /** Whether this engine may ask Kafka Connect about it. */
    readonly managed: boolean;
    /** As Kafka Connect says; null: it does not know the connector, or was not asked. */
    readonly state: string | null;
    /** `trace`: its first line. */
    readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace: string | null }[];
    /** After failures, by all processes together. */
    readonly restarts: number;
    /** In a row. */
    readonly failures: number;
    readonly lastFailure: string | null;
    readonly lastFailureAt: Date | null;
    /** Why Kafka Connect could not be asked. */
    readonly trouble: string | null;
  };
  readonly slot: {
    readonly name: string;
    readonly exists: boolean;
    readonly active: boolean;
    readonly walStatus: string | null;
    /** WAL that the connector has not confirmed. */
    readonly unconfirmedBytes: number | null;
    /** WAL that PostgreSQL keeps for it. */
    readonly keptBytes: number | null;
    /** WAL that may still be written before the slot is lost; null: no limit. */
    readonly safeBytes: number | null;
    /** The limit. */
    readonly maxKeepBytes: number | null;
    /** Why it could not be read. */
    readonly trouble: string | null;
  };
  /** What of the database the slot's reader is given. `tables`: null when it could not be read, empty when there is none. */
  readonly publication: { readonly name: string; readonly tables: readonly string[] | null };
  /** A loss of the slot of which something may still be missing. `until` null: there is no new slot yet. */
  readonly loss: {
    readonly cause: string;
    readonly since: Date | null;
    readonly until: Date | null;
    readonly missing: number | null;
  } | null;
  readonly health: readonly PartHealth[];
}

/** What carries the outbox into the topics outside of this process. */
export interface Relay {
  /** False: it is managed elsewhere, and `restart` cannot be asked for. */
  readonly managed: boolean;
  state(): Promise<RelayState>;
  restart(): Promise<void>;
}

/** How far one partition reaches: `end` is the offset of the next message to come. */
export interface TopicEnd {
  readonly topic: string;
  readonly partition: number;
  readonly end: number;
}

/** A place in a topic: the next message to read. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Headers of one message; null or absent: it has none of that name. */
export type MessageHeaders = Readonly<Record<string, string | null>>;

/** A broker outlives what the database forgets, and may itself be lost: what recovery asks of it. */
export interface Broker {
  /** Identity of the cluster. */
  cluster(): Promise<string>;
  /** Where the topics of `timeline.topic` end. One that the broker does not have has no row. */
  ends(): Promise<readonly TopicEnd[]>;
  /** Up to where in PostgreSQL's log the connector has read; null when that cannot be known. */
  confirmed(): Promise<bigint | null>;
  /** Up to where in PostgreSQL's log everything has arrived in the topics; null when there is no slot. */
  flushed(): Promise<bigint | null>;
  /** Reads every partition from its position to its present end, or to `until` before it. False: it took too long, some were not read to the end. */
  read(
    from: readonly (Position & { readonly until?: number })[],
    see: (topic: string, messages: readonly MessageHeaders[]) => Promise<void>,
  ): Promise<boolean>;
  /** Sets committed offsets of a group. False: it has members, who must do it. */
  move(group: string, to: readonly Position[]): Promise<boolean>;
  /** Makes the topics exist and lets the connector begin anew, with a slot of its own from now on; resolves when it reads. */
  renew(): Promise<void>;
}

/** A way for messages to travel. */
export interface Transport {
  readonly kind: "kafka" | "embedded";
  /** Null: this process carries the messages itself. */
  readonly relay: Relay | null;
  /** Absent: the topics lie in the database. */
  readonly broker?: Broker;
  /** Makes the topics exist and enters them in `timeline.topic`. Idempotent; safe from several processes. */
  ensureTopics(topics: readonly string[]): Promise<void>;
  subscribe(subscription: Subscription): Promise<Consumer>;
  /**
   * Kafka ignores it: Debezium reads the WAL. `behindOthers`: another process wrote for one of these keys before, so
   * the rows are read from the table in their turn instead of overtaking. `xid`: the transaction's, as text.
   */
  handOver(rows: readonly AnnouncedRequest[], xid: string, behindOthers: boolean): HandOver;
  /**
   * Epoch under which this process owns the transport; what its consumers and timers write is held to it. 0: it does not
   * own it. Null: the transport has no owner, each partition of each group has one (Kafka).
   */
  ownerEpoch(): number | null;
  offsets(group: string, topics: readonly string[]): Promise<readonly PartitionOffsets[]>;
  /** Which process consumes each partition of a group now. One that nobody consumes has no row. */
  owners(group: string, topics: readonly string[]): Promise<readonly PartitionOwner[]>;
  /** How old the oldest message is that lies behind these places of one group, milliseconds; null: none does. */
  waitingMs(places: readonly PartitionOffsets[]): Promise<number | null>;
  /** Per partition the first offset recorded at or after `at`; the end when there is none. */
  offsetsAt(topic: string, at: Date): Promise<readonly { readonly partition: number; readonly offset: number }[]>;
  /** As a consumer's `rewind`, for a group that has no running member. @throws when it has one. */
  moveIdle(group: string, topic: string, partition: number, offset: number, skip?: boolean): Promise<void>;
  /** A place in the outbox behind everything that is committed now. */
  mark(): Promise<string>;
  /** Whether everything that was committed when the mark was made lies in the topics, as far as it will ever. */
  passed(mark: string): Promise<boolean>;
  health(): Promise<readonly PartHealth[]>;
  /** What this process keeps in memory on its way into the topics. */
  readonly bounds: readonly Bound[];
  stop(): Promise<void>;
}
