import type { IHeaders, KafkaMessage } from "kafkajs";

import type { Delivery } from "../port.ts";

/** A record of Kafka as a delivery. `topic` is the engine's name, without prefix. */
export function toDelivery(topic: string, partition: number, message: KafkaMessage, receivedAt: Date): Delivery {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    recordedAt: timeOf(message.timestamp),
    receivedAt,
    key: textOf(message.key),
    headers: headersOf(message.headers),
    value: textOf(message.value),
  };
}

/** The end of the year 9999: the last time that ISO 8601, PostgreSQL and a ULID all can write. */
const LAST_MS = 253_402_300_799_999;

/** A producer may write any number as its record's time, or none (-1): then it is 1970, for ever the same. */
function timeOf(timestamp: string): Date {
  const ms = Number(timestamp);
  return new Date(ms >= 0 && ms <= LAST_MS ? ms : 0);
}

function headersOf(headers: IHeaders | undefined): Record<string, string | null> {
  const entries = Object.entries(headers ?? {}).map(([name, value]) => {
    // A header that stands there twice: the last one counts, as in Kafka's own `lastHeader`.
    return [name, textOf(Array.isArray(value) ? value.at(-1) : value)] as const;
  });
  return Object.fromEntries(entries);
}

// A null column arrives as a null header, which kafkajs' types do not mention.
function textOf(value: Buffer | string | null | undefined): string | null {
  return value === null || value === undefined ? null : value.toString();
}
