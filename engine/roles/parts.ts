import type { Closing } from "../closing.ts";
import type { Config } from "../config.ts";
import type { HoldUps } from "../hold-ups.ts";
import type { Pools } from "../pools.ts";
import type { GroupControl } from "../recovery/group-control.ts";
import type { Groups } from "../recovery/groups.ts";
import type { HistoryWatch } from "../recovery/history-watch.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import type { KnownDomains } from "../timeline/known-domains.ts";
import type { Store } from "../timeline/store.ts";
import type { Transport } from "../transport/port.ts";

/** What every process has, whatever its roles. */
export interface Parts {
  readonly config: Config;
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly pools: Pools;
  readonly transport: Transport;
  readonly control: GroupControl;
  readonly groups: Groups;
  readonly history: HistoryWatch;
  readonly holdUps: HoldUps;
  readonly known: KnownDomains;
  /** What a role writes with; its name is the producer's. */
  readonly store: (role: string) => Store;
  readonly log: Log;
  readonly closing: Closing;
}
