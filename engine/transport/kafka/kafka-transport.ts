import type { Admin } from "kafkajs";
import type { Sql } from "postgres";

import type { Bound } from "../../core/bound.ts";
import type {
  Broker,
  HandOver,
  PartHealth,
  PartitionOffsets,
  PartitionOwner,
  Relay,
  Subscription,
  Transport,
} from "../port.ts";
import { ConnectClient } from "./connect-client.ts";
import { connectorConfig } from "./connector.ts";
import { ConnectorWatch } from "./connector-watch.ts";
import { KafkaConsumer } from "./consumer.ts";
import { atMost, withDeadline } from "./deadline.ts";
import { moveIdleGroup, type OffsetReader, readOffsets, readOffsetsAt } from "./group-offsets.ts";
import { KafkaBroker } from "./kafka-broker.ts";
import { type KafkaAccess, type KafkaSecurity, newKafka } from "./kafka-client.ts";
import { asUnreachable, KafkaTransportError, reasonOf, START_KAFKA } from "./kafka-error.ts";
import type { TransportLog } from "./kafka-log.ts";
import { Names, PUBLICATION } from "./names.ts";
import { OwnRequests } from "./own-requests.ts";
import type { Patience } from "./rebuilding.ts";
import { outboxEnd, slotHasPassed } from "./slot.ts";
import { readOwners, readWaitingMs } from "./group-standing.ts";
import { TopicWatch } from "./topic-watch.ts";
import { ensureTopics, prepareTopics, type TopicKeeper } from "./topics.ts";

/** What the transport is made with. The schema `timeline` exists already. */
export interface KafkaTransportOptions {
  readonly brokers: readonly string[];
  /** EKIDEN_PREFIX: before topics, groups, slot and connector. */
  readonly prefix: string;
  readonly partitions: number;
  readonly replication: number;
  /** Null: the connector is managed elsewhere. */
  readonly connectUrl: string | null;
  readonly databaseUrl: string;
  /** The engine's pool. */
  readonly sql: Sql;
  readonly clientId: string;
  readonly log: TransportLog;
  readonly security?: KafkaSecurity;
  readonly patience?: Partial<Patience>;
  /**
   * `ready`, by default: topics exist and the connector reads. `registered`: it may be unable to run before
   * `ekiden recover`. `untouched`: nothing is made.
   */
  readonly prepared?: "ready" | "registered" | "untouched";
  /** How many requests of this time, the first written at `since`, a group has not consumed that must; a bounded count will do. */
  readonly missing: (since: Date | null, until: Date) => Promise<number>;
  /** Consumers are lost for good: the process should end with a failure. Called once, however many they are. */
  onFatal(error: Error): void;
}

const REACH_MS = 60_000;
/** What kafkajs calls a login that was refused, and the runtime a certificate that is not trusted or another host's. */
const REFUSED = /SASLAuthentication|SASL .* authentication failed|certificate|altnames|self.signed/i;
const CONNECT_MS = 90_000;
/** While it runs: the next look tries again. */
const REGISTER_AGAIN_MS = 10_000;
const JOIN_MS = 60_000;
/** Less than a whole report may take (`engine/health.ts`): the line that names the broker must be in it. */
const HEALTH_MS = 2_000;
/** kafkajs waits for a broker that does not answer. */
const DISCONNECT_MS = 5_000;

/**
 * Connects to Kafka and, with a `connectUrl`, registers the connector and waits until it reads its slot. Resolves only
 * when a row written to the outbox will arrive.
 * @throws KafkaTransportError `kafka.bad-prefix`, `kafka.unreachable`, `connector.*`
 */
export async function createKafkaTransport(options: KafkaTransportOptions): Promise<Transport> {
  const names = new Names(options.prefix);
  const access: KafkaAccess = options;
  const admin = newKafka(access).admin();
  await connect(admin, options.brokers);
  const keeper = { ...options, admin, names };
  const client = options.connectUrl === null ? null : new ConnectClient(options.connectUrl, names.connector);
  const watch = new ConnectorWatch({
    client,
    sql: options.sql,
    slot: names.slot,
    connector: names.connector,
    heals: options.prepared !== "untouched",
    missing: options.missing,
    log: options.log,
    register: async () => client?.put(configOf(names, options), REGISTER_AGAIN_MS) ?? false,
    prepareTopics: () => prepareTopics(keeper),
  });
  try {
    if (options.prepared !== "untouched") await prepareTopics(keeper);
    if (client !== null && options.prepared !== "untouched") await register(client, watch, names, options);
    else await watch.look();
  } catch (error) {
    await atMost(admin.disconnect(), DISCONNECT_MS);
    throw error;
  }
  const topicWatch = new TopicWatch(keeper);
  if (options.prepared !== "untouched") {
    watch.start();
    topicWatch.start();
  }
  const { sql, databaseUrl } = options;
  const broker = new KafkaBroker({ access, keeper, sql, databaseUrl, client, watch });
  return new KafkaTransport(options, keeper, watch, broker, topicWatch);
}

/** A broker that answers and lets nobody in does so for ever: nothing is won by waiting. */
function refusedAccess(error: unknown, brokers: readonly string[]): KafkaTransportError | undefined {
  const reason = reasonOf(error);
  if (!REFUSED.test(`${error instanceof Error ? error.name : ""} ${reason}`)) return undefined;
  const hint =
    "Are KAFKA_TLS_CA and KAFKA_SASL_* right, and is each broker's certificate made out to its name in KAFKA_BROKERS?";
  return new KafkaTransportError("kafka.access-refused", `${brokers.join(",")} cannot be used: ${reason}`, hint);
}

async function connect(admin: Admin, brokers: readonly string[]): Promise<void> {
  const deadline = Date.now() + REACH_MS;
  for (;;) {
    try {
      return await admin.connect();
    } catch (error) {
      const refused = refusedAccess(error, brokers);
      if (refused !== undefined) throw refused;
      if (Date.now() < deadline) continue;
      const message = `no broker of ${brokers.join(",")} answers: ${reasonOf(error)}`;
      throw new KafkaTransportError("kafka.unreachable", message, START_KAFKA);
    }
  }
}

async function register(
  client: ConnectClient,
  watch: ConnectorWatch,
  names: Names,
  options: KafkaTransportOptions,
): Promise<void> {
  const { slot, connector } = names;
  const changed = await client.put(configOf(names, options), CONNECT_MS, (reason) =>
    options.log.warn(`${reason}; it is tried again, for ${CONNECT_MS / 1_000} s in all`, { connector }),
  );
  options.log.info(changed ? "connector registered" : "connector is registered already", { connector, slot });
  if (options.prepared !== "registered") await watch.ready(CONNECT_MS);
}

function configOf({ slot, connector }: Names, { prefix, databaseUrl }: KafkaTransportOptions): Record<string, string> {
  return connectorConfig({ prefix, databaseUrl, slot, publication: PUBLICATION, connectorName: connector });
}

class KafkaTransport implements Transport {
  readonly kind = "kafka";
  readonly #options: KafkaTransportOptions;
  readonly #keeper: TopicKeeper;
  readonly #reader: OffsetReader;
  readonly #watch: ConnectorWatch;
  readonly #topicWatch: TopicWatch;
  readonly #consumers = new Set<KafkaConsumer>();
  readonly #own = new OwnRequests();
  readonly broker: Broker;
  #topicWarnings: readonly string[] = [];
  #stopped = false;
  #isLost = false;

  constructor(
    options: KafkaTransportOptions,
    keeper: TopicKeeper,
    watch: ConnectorWatch,
    broker: Broker,
    topicWatch: TopicWatch,
  ) {
    this.#options = options;
    this.#keeper = keeper;
    this.#reader = keeper;
    this.#watch = watch;
    this.broker = broker;
    this.#topicWatch = topicWatch;
  }

  get relay(): Relay {
    return this.#watch;
  }

  async ensureTopics(topics: readonly string[]): Promise<void> {
    this.#topicWarnings = await ensureTopics(this.#keeper, topics);
    for (const warning of this.#topicWarnings) this.#options.log.warn(warning);
  }

  async subscribe(subscription: Subscription): Promise<KafkaConsumer> {
    if (this.#stopped) {
      throw new KafkaTransportError("kafka.stopped", "the transport was stopped", "Start the engine again.");
    }
    const { log, patience } = this.#options;
    const onFatal = (error: Error) => this.#lost(error);
    const base = { subscription, access: this.#options, reader: this.#reader, log, own: this.#own, onFatal };
    const consumer = new KafkaConsumer({ ...base, ...(patience !== undefined && { patience }) });
    this.#consumers.add(consumer);
    // Before it joins: a group that is paused must not take messages in the moment between.
    if (await this.#isPaused(subscription.group)) await consumer.pause();
    await consumer.start(JOIN_MS);
    return consumer;
  }

  async #isPaused(group: string): Promise<boolean> {
    const [row] = await this.#options.sql<{ paused: boolean }[]>`
      select paused from timeline.consumer_group where consumer_group = ${group}
    `;
    return row?.paused ?? false;
  }

  handOver(): HandOver {
    return { committed: (rows) => this.#own.add(rows), abandoned: () => undefined };
  }

  ownerEpoch(): null {
    return null;
  }

  offsets(group: string, topics: readonly string[]): Promise<readonly PartitionOffsets[]> {
    return this.#asked(readOffsets(this.#reader, group, topics));
  }

  owners(group: string): Promise<readonly PartitionOwner[]> {
    return this.#asked(readOwners(this.#reader, group));
  }

  waitingMs(places: readonly PartitionOffsets[]): Promise<number | null> {
    return this.#asked(readWaitingMs(this.#reader, places));
  }

  offsetsAt(topic: string, at: Date): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
    return this.#asked(readOffsetsAt(this.#reader, topic, at));
  }

  /** @throws KafkaTransportError `kafka.unreachable` */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw asUnreachable(this.#options.brokers, error);
    }
  }

  moveIdle(group: string, topic: string, partition: number, offset: number, skip = false): Promise<void> {
    return moveIdleGroup(this.#reader, this.#options, { group, topic, partition, offset, skip });
  }

  mark(): Promise<string> {
    return outboxEnd(this.#options.sql);
  }

  passed(mark: string): Promise<boolean> {
    return slotHasPassed(this.#options.sql, this.#keeper.names.slot, mark);
  }

  /** Debezium carries the messages; of this process's own it is remembered that they are. */
  get bounds(): readonly Bound[] {
    return this.#own.bounds;
  }

  async health(): Promise<readonly PartHealth[]> {
    const topics = this.#topicWatch.health();
    return [
      await this.#brokerHealth(),
      ...(topics.length > 0 ? topics : [this.#topicHealth()]),
      ...this.#watch.health(),
    ];
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.stop()));
    await Promise.all([this.#watch.stop(), this.#topicWatch.stop()]);
    await atMost(this.#keeper.admin.disconnect(), DISCONNECT_MS);
  }

  #lost(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#options.onFatal(error);
  }

  async #brokerHealth(): Promise<PartHealth> {
    const part = "kafka";
    try {
      const cluster = this.#keeper.admin.describeCluster();
      const { brokers } = await withDeadline(cluster, HEALTH_MS, () => new Error(`no answer in ${HEALTH_MS} ms`));
      return { part, ok: true, detail: `${brokers.length} brokers` };
    } catch (error) {
      const detail = `${this.#options.brokers.join(",")}: ${reasonOf(error)}`;
      return { part, ok: false, detail, hint: "Start Kafka; the outbox keeps what is to be sent." };
    }
  }

  #topicHealth(): PartHealth {
    const part = "topics";
    if (this.#topicWarnings.length === 0) return { part, ok: true, detail: "as configured" };
    const hint = "The engine works with them as they are: KAFKA_PARTITIONS counts for topics that it makes.";
    return { part, ok: true, detail: this.#topicWarnings.join("; "), hint };
  }
}
