import { EngineError } from "../../core/error.ts";

/** Codes of this adapter; each has an entry in docs/OPERATIONS.md. */
export type KafkaErrorCode =
  | "kafka.bad-prefix"
  | "kafka.unreachable"
  | "kafka.topic-missing"
  | "kafka.join-failed"
  | "kafka.consumer-lost"
  | "kafka.partition-moved"
  | "kafka.offset-out-of-range"
  | "kafka.group-has-members"
  | "kafka.stopped"
  | "connector.bad-database-url"
  | "connector.unreachable"
  | "connector.refused"
  | "connector.not-ready";

/** A failure of Kafka, Kafka Connect or the connector, with what to do about it. */
export class KafkaTransportError extends EngineError {
  readonly code: KafkaErrorCode;
  readonly hint: string;

  constructor(code: KafkaErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** The first line of whatever was thrown. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n")[0] ?? text;
}
