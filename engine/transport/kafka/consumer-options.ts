import type { Subscription } from "../port.ts";
import type { OffsetReader } from "./group-offsets.ts";
import type { KafkaAccess } from "./kafka-client.ts";
import type { TransportLog } from "./kafka-log.ts";
import type { Patience } from "./rebuilding.ts";

/** What a consumer is made with. */
export interface KafkaConsumerOptions {
  readonly subscription: Subscription;
  readonly access: KafkaAccess;
  readonly reader: OffsetReader;
  readonly log: TransportLog;
  /** Called once when the client could not be built again in time: the process should end. */
  onFatal(error: Error): void;
  readonly patience?: Partial<Patience>;
}
