import { KafkaTransportError } from "./kafka-error.ts";

/** The publication of the first migration. */
export const PUBLICATION = "ekiden_outbox";

/** What things are called outside: in Kafka, Kafka Connect and PostgreSQL, with the configured prefix. */
export class Names {
  readonly prefix: string;
  readonly slot: string;
  readonly connector: string;
  /** Debezium's name of this pipeline; its offsets in Connect are kept under it. */
  readonly pipeline: string;
  readonly heartbeatTopicPrefix: string;
  readonly heartbeatTopic: string;

  /** @throws KafkaTransportError `kafka.bad-prefix` */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.slot = `${prefix.toLowerCase().replace(/[^a-z0-9_]/g, "_")}ekiden_outbox`;
    this.connector = `${prefix}ekiden-outbox`;
    this.pipeline = `${prefix}ekiden`;
    this.heartbeatTopicPrefix = `${prefix}__hb`;
    this.heartbeatTopic = `${this.heartbeatTopicPrefix}.${this.pipeline}`;
    // PostgreSQL cuts longer slot names off.
    if (/^[A-Za-z0-9._-]{0,48}$/.test(prefix) && this.slot.length <= 63) return;
    const hint = "EKIDEN_PREFIX holds at most 48 of A-Z a-z 0-9 . _ -, for example `staging.`.";
    throw new KafkaTransportError("kafka.bad-prefix", `"${prefix}" cannot be a prefix of topics and groups`, hint);
  }

  /** A topic of the engine as Kafka calls it. */
  topic(name: string): string {
    return this.prefix + name;
  }

  group(name: string): string {
    return this.prefix + name;
  }

  /** A topic of Kafka as the engine calls it. */
  bare(topic: string): string {
    return topic.slice(this.prefix.length);
  }
}
