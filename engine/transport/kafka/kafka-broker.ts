import type { Sql } from "postgres";

import { storable } from "../foreign.ts";
import { type Broker, HEARTBEAT_TOPIC, type MessageHeaders, type Position, type TopicEnd } from "../port.ts";
import type { ConnectClient } from "./connect-client.ts";
import { connectorConfig } from "./connector.ts";
import type { ConnectorWatch } from "./connector-watch.ts";
import { withDeadline } from "./deadline.ts";
import { toDelivery } from "./delivery.ts";
import { moveWholeGroup } from "./group-offsets.ts";
import type { KafkaAccess } from "./kafka-client.ts";
import { KafkaTransportError, reasonOf } from "./kafka-error.ts";
import { Member } from "./member.ts";
import { PUBLICATION } from "./names.ts";
import { readSlot } from "./slot.ts";
import { prepareTopics, type TopicKeeper } from "./topics.ts";

/** What the broker is looked at with. `client` null: the connector is managed elsewhere. */
export interface KafkaBrokerParts {
  readonly access: KafkaAccess;
  readonly keeper: TopicKeeper;
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly client: ConnectClient | null;
  readonly watch: ConnectorWatch;
}

const ASK_MS = 30_000;
const READ_MS = 60_000;
const RELEASE_MS = 60_000;
const PAUSE_MS = 200;
const CONNECT_MS = 90_000;

/** The headers by which a message of the engine's own is known. */
const OWN = ["id", "ce_id", "type", "ce_type", "producer", "ce_source", "correlation_id", "ce_subject"] as const;

/** Kafka, as recovery looks at it. */
export class KafkaBroker implements Broker {
  readonly #parts: KafkaBrokerParts;

  constructor(parts: KafkaBrokerParts) {
    this.#parts = parts;
  }

  async cluster(): Promise<string> {
    const { clusterId } = await this.#inTime(this.#parts.keeper.admin.describeCluster(), ASK_MS);
    return clusterId;
  }

  async ends(): Promise<readonly TopicEnd[]> {
    const { admin, names } = this.#parts.keeper;
    // Heartbeats are no requests: the event store does not know them, and they are no sign of another history.
    const known = await this.#parts.sql<{ name: string }[]>`
      select name from timeline.topic where name <> ${HEARTBEAT_TOPIC} order by name
    `;
    const present = new Set(await this.#inTime(admin.listTopics(), ASK_MS));
    const topics = known.map(({ name }) => name).filter((name) => present.has(names.topic(name)));
    const ends = await this.#inTime(
      Promise.all(topics.map((topic) => admin.fetchTopicOffsets(names.topic(topic)))),
      ASK_MS,
    );
    return topics.flatMap((topic, index) =>
      (ends[index] ?? []).map(({ partition, high }) => ({ topic, partition, end: Number(high) })),
    );
  }

  async confirmed(): Promise<bigint | null> {
    return (await this.#parts.client?.position()) ?? null;
  }

  async flushed(): Promise<bigint | null> {
    const [row] = await this.#parts.sql<{ lsn: string | null }[]>`
      select pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0')::text as lsn from pg_replication_slots s
      where s.slot_name = ${this.#parts.keeper.names.slot} and s.database = current_database()
    `;
    return row?.lsn === undefined || row.lsn === null ? null : BigInt(row.lsn);
  }

  async read(
    from: readonly (Position & { readonly until?: number })[],
    see: (topic: string, messages: readonly MessageHeaders[]) => Promise<void>,
  ): Promise<boolean> {
    const ends = await this.ends();
    const open = new Map(
      from.flatMap((place) => {
        const last = ends.find((one) => one.topic === place.topic && one.partition === place.partition)?.end ?? 0;
        const end = Math.min(last, place.until ?? last);
        return end > place.offset ? [[keyOf(place), { ...place, end }] as const] : [];
      }),
    );
    if (open.size === 0) return true;
    const group = `${this.#parts.keeper.names.prefix}ekiden-reader-${crypto.randomUUID()}`;
    const reading = new Reading(this.#parts, group, open, see);
    try {
      const read = reading.run().then(() => true);
      return await Promise.race([read, Bun.sleep(READ_MS).then(() => false)]);
    } finally {
      await reading.stop();
      // A group that nobody uses any more; Kafka forgets it by itself in a week.
      await this.#parts.keeper.admin.deleteGroups([group]).catch(() => undefined);
    }
  }

  move(group: string, to: readonly Position[]): Promise<boolean> {
    return moveWholeGroup(this.#parts.keeper, this.#parts.access, group, to);
  }

  async renew(): Promise<void> {
    const { client, keeper, databaseUrl, watch } = this.#parts;
    await prepareTopics(keeper);
    const { prefix, slot, connector: connectorName } = keeper.names;
    if (client === null) {
      await watch.look();
      const unwell = watch.unwell();
      if (unwell === undefined) return;
      const hint = `Stop your connector, delete its offsets, drop the slot ${slot}, start it, and run this again.`;
      throw new KafkaTransportError("connector.not-ready", `${unwell.part}: ${unwell.detail}`, hint);
    }
    await client.put(
      connectorConfig({ prefix, databaseUrl, slot, publication: PUBLICATION, connectorName }),
      CONNECT_MS,
    );
    await client.stop();
    await this.#dropSlot(slot);
    await client.forgetOffsets();
    await client.resume();
    await watch.ready(CONNECT_MS);
  }

  /** A slot may stand beyond what a restored database has written: what is written up to there would never be sent. */
  async #dropSlot(slot: string): Promise<void> {
    const { sql } = this.#parts;
    const deadline = Date.now() + RELEASE_MS;
    for (;;) {
      try {
        if ((await readSlot(sql, slot)) === undefined) return;
        await sql`select pg_drop_replication_slot(${slot})`;
        return;
      } catch (error) {
        // The connector's session lets go of it in a moment.
        if (Date.now() < deadline) {
          await Bun.sleep(PAUSE_MS);
          continue;
        }
        const hint = "Does a connector beside the one of KAFKA_CONNECT_URL read it? Stop that one.";
        throw new KafkaTransportError("connector.not-ready", `slot ${slot} is not free: ${reasonOf(error)}`, hint);
      }
    }
  }

  #inTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
    const late = () =>
      new KafkaTransportError("kafka.unreachable", `Kafka did not answer within ${withinMs / 1_000} s`, "Is it well?");
    return withDeadline(work, withinMs, late);
  }
}

/** Reads partitions up to an end, in a group of its own. */
class Reading {
  readonly #parts: KafkaBrokerParts;
  readonly #member: Member;
  readonly #open: Map<string, Position & { readonly end: number }>;
  readonly #see: (topic: string, messages: readonly MessageHeaders[]) => Promise<void>;
  readonly #done = Promise.withResolvers<void>();

  constructor(
    parts: KafkaBrokerParts,
    group: string,
    open: Map<string, Position & { readonly end: number }>,
    see: (topic: string, messages: readonly MessageHeaders[]) => Promise<void>,
  ) {
    this.#parts = parts;
    this.#open = open;
    this.#see = see;
    const { names } = parts.keeper;
    const topics = [...new Set([...open.values()].map(({ topic }) => names.topic(topic)))];
    this.#member = new Member(parts.access, group, topics, {
      joined: () => this.#begin(),
      leaving: () => undefined,
      batch: async ({ batch, resolveOffset, heartbeat }) => {
        const topic = names.bare(batch.topic);
        const end = this.#open.get(keyOf({ topic, partition: batch.partition }))?.end;
        if (end === undefined) return;
        const wanted = batch.messages.filter(({ offset }) => Number(offset) < end);
        const messages = wanted.map((message) =>
          ownHeaders(toDelivery(topic, batch.partition, message, new Date()).headers),
        );
        // A failure of the database must not make kafkajs read the batch again for ever.
        await this.#see(topic, messages).catch(this.#done.reject);
        resolveOffset(batch.lastOffset());
        await heartbeat();
        this.#reached(topic, batch.partition, Number(batch.lastOffset()) + 1);
      },
      passed: ({ topic, partition }, next) => this.#reached(names.bare(topic), partition, next),
      crashed: (error) => this.#done.reject(error),
    });
  }

  async run(): Promise<void> {
    await this.#member.start();
    await this.#done.promise;
  }

  stop(): Promise<void> {
    return this.#member.stop();
  }

  #begin(): void {
    const { names } = this.#parts.keeper;
    const places = [...this.#open.values()].map(({ topic, partition, offset }) => ({
      place: { topic: names.topic(topic), partition },
      offset,
    }));
    for (const { place, offset } of places) this.#member.seek(place, offset);
    this.#member.resume(places.map(({ place }) => place));
  }

  #reached(topic: string, partition: number, next: number): void {
    const key = keyOf({ topic, partition });
    const open = this.#open.get(key);
    if (open === undefined || next < open.end) return;
    this.#open.delete(key);
    this.#member.pause([{ topic: this.#parts.keeper.names.topic(topic), partition }]);
    if (this.#open.size === 0) this.#done.resolve();
  }
}

function ownHeaders(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(OWN.map((name) => [name, storable(headers[name] ?? "")]));
}

function keyOf({ topic, partition }: Omit<Position, "offset">): string {
  return `${topic}/${partition}`;
}
