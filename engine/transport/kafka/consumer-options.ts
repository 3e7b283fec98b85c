import type { Subscription } from "../port.ts";
import type { OffsetReader } from "./group-offsets.ts";
import type { KafkaAccess } from "./kafka-client.ts";
import type { TransportLog } from "./kafka-log.ts";
import type { OwnRequests } from "./own-requests.ts";
import type { Patience } from "./rebuilding.ts";

/** What a consumer is made with. */
export interface KafkaConsumerOptions {
  readonly subscription: Subscription;
  readonly access: KafkaAccess;
  readonly reader: OffsetReader;
  readonly log: TransportLog;
  /** What this process has written; asked by the groups that make use of it. */
  readonly own: OwnRequests;
  /** Called once when the client could not be built again in time: the process should end. */
  onFatal(error: Error): void;
  readonly patience?: Partial<Patience>;
}
