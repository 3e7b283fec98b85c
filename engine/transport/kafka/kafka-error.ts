import { EngineError } from "../../core/error.ts";

/** Codes of this adapter; each has an entry in docs/OPERATIONS.md. */
export type KafkaErrorCode =
  | "kafka.bad-prefix"
  | "kafka.unreachable"
  | "kafka.access-refused"
  | "kafka.topic-missing"
  | "kafka.join-failed"
  | "kafka.consumer-lost"
  | "kafka.partition-moved"
  | "kafka.offset-out-of-range"
  | "kafka.group-has-members"
  | "kafka.group-shared"
  | "kafka.stopped"
  | "connector.bad-database-url"
  | "connector.unreachable"
  | "connector.refused"
  | "connector.not-ready";

/** What to do when no broker answers. */
export const START_KAFKA = "Is KAFKA_BROKERS right, and Kafka running?";

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

/** Kafka's answer to a member whose way of dividing partitions the group's present members do not know. */
export function sharedGroup(group: string, error: unknown): KafkaTransportError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (!("type" in at) || at.type !== "INCONSISTENT_GROUP_PROTOCOL") continue;
    const hint =
      "A domain is run by one kind of client only: stop the other program, or take `run` off the steps in its domain.ts.";
    const message = `group ${group} is in use by another kind of client`;
    return new KafkaTransportError("kafka.group-shared", message, hint, { cause: error });
  }
  return undefined;
}

/** kafkajs' own errors for brokers that are away, or that did not do what was asked after several tries. */
const AWAY =
  /^KafkaJS(?:ConnectionError|ConnectionClosedError|NumberOfRetriesExceeded|RequestTimeoutError|BrokerNotFound|NoBrokerAvailableError)$/;

/** The error of a call that no broker answered, told so that a caller knows what to do; any other as it is. */
export function asUnreachable(brokers: readonly string[], error: unknown): unknown {
  if (!(error instanceof Error) || !AWAY.test(error.name)) return error;
  const message = `no broker of ${brokers.join(",")} answers: ${reasonOf(error)}`;
  return new KafkaTransportError("kafka.unreachable", message, START_KAFKA, { cause: error });
}

/** A consumer that could not be built again in time. */
export function consumerLost(group: string, cause: Error): KafkaTransportError {
  const message = `the consumer of group ${group} could not be built again: ${reasonOf(cause)}`;
  return new KafkaTransportError("kafka.consumer-lost", message, "Is Kafka well? Start the engine again.", { cause });
}

/** The first line of whatever was thrown. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n")[0] ?? text;
}
