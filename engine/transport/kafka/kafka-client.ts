import { Kafka, logLevel, type SASLOptions } from "kafkajs";

import { kafkajsLog, type TransportLog } from "./kafka-log.ts";

/** TLS and SASL; nothing: neither. Certificates and keys are texts in PEM. */
export interface KafkaSecurity {
  readonly ssl?: {
    readonly rejectUnauthorized: true;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

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
    ...(security?.ssl === undefined ? {} : { ssl: security.ssl }),
    // kafkajs has a type for each mechanism; all three hold the same.
    ...(security?.sasl === undefined ? {} : { sasl: security.sasl as SASLOptions }),
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
