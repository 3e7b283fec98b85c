import { Kafka, type KafkaConfig, logLevel } from "kafkajs";

import { kafkajsLog, type TransportLog } from "./kafka-log.ts";

/** TLS and SASL, as kafkajs takes them. */
export type KafkaSecurity = Pick<KafkaConfig, "ssl" | "sasl">;

/** How to reach the brokers. */
export interface KafkaAccess {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly log: TransportLog;
  readonly security?: KafkaSecurity;
}

/**
 * A kafkajs client. One for each consumer and admin: kafkajs keeps the committed offsets of a group in the client, so
 * a second consumer of the same client would start from what the first one saw.
 */
export function newKafka({ brokers, clientId, log, security }: KafkaAccess): Kafka {
  return new Kafka({
    ...security,
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    authenticationTimeout: 10_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 6 },
    logLevel: logLevel.WARN,
    logCreator: kafkajsLog(log),
  });
}
