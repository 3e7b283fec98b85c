import { connect, type Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import type { Store } from "../../engine/timeline/store.ts";
import { type EmbeddedOptions, EmbeddedTransport } from "../../engine/transport/embedded/embedded-transport.ts";
import { LeaseKeeper } from "../../engine/transport/embedded/lease-keeper.ts";
import { createKafkaTransport } from "../../engine/transport/kafka/kafka-transport.ts";
import type { Transport } from "../../engine/transport/port.ts";

/** What a process needs to open one side of a transport; plain data, so that it can be handed to a child process. */
export interface TransportAddress {
  readonly databaseUrl: string;
  readonly kafka: { readonly brokers: string; readonly connectUrl: string; readonly prefix: string } | null;
}

/** One engine process' side of a transport. */
export interface Side {
  readonly transport: Transport;
  readonly sql: Sql;
  readonly store: Store;
  /** Embedded: consumers are subscribed first. */
  start(): void;
  close(): Promise<void>;
}

/** Opens a side as an engine process would. */
export async function openSide(
  address: TransportAddress,
  more: Pick<EmbeddedOptions, "restPollMs"> = {},
): Promise<Side> {
  const sql = connect(address.databaseUrl, { max: 16, name: "contract" });
  const problem = (what: string, error: unknown) => console.error(what, error);
  const pools: Sql[] = [sql];
  let transport: Transport;
  if (address.kafka === null) {
    const owner = `contract/${process.pid}/${newId().slice(-8)}`;
    const writer = connect(address.databaseUrl, {
      max: 1,
      name: owner,
      synchronousCommit: "off",
      notified: () => embedded.lookNow(),
    });
    pools.push(writer);
    const keeper = new LeaseKeeper({ databaseUrl: address.databaseUrl, owner, process: "contract", problem });
    const embedded: EmbeddedTransport = new EmbeddedTransport({ sql, writer, owner, keeper, problem, ...more });
    transport = embedded;
  } else {
    const log = { info: () => {}, warn: () => {}, error: problem };
    const { brokers, connectUrl, prefix } = address.kafka;
    transport = await createKafkaTransport({
      brokers: [brokers],
      prefix,
      partitions: 3,
      replication: 1,
      connectUrl,
      databaseUrl: address.databaseUrl,
      sql,
      clientId: `contract-${process.pid}`,
      log,
      missing: async () => 0,
      onFatal: (error) => problem("fatal", error),
    });
  }
  return {
    transport,
    sql,
    store: {
      sql,
      producer: "contract@localhost",
      handOver: (rows, xid, behindOthers) => transport.handOver(rows, xid, behindOthers),
    },
    start: () => (transport instanceof EmbeddedTransport ? transport.start() : undefined),
    async close() {
      await transport.stop();
      for (const pool of pools) await pool.end({ timeout: 5 });
    },
  };
}
