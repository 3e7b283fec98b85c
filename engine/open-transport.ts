import type { Closing } from "./closing.ts";
import type { Config } from "./config.ts";
import type { Pools } from "./pools.ts";
import { countMissing } from "./recovery/republish-scan.ts";
import type { Log } from "./sdk.ts";
import { connectorUrl } from "./timeline/connector-role.ts";
import type { Sql } from "./timeline/database.ts";
import type { EmbeddedTransport as Embedded } from "./transport/embedded/embedded-transport.ts";
import type { Transport } from "./transport/port.ts";

/** A transport to subscribe to; `start` lets messages flow. */
export interface OpenTransport {
  readonly transport: Transport;
  start(): void;
}

/** Opens the transport that the configuration names, and loads nothing of the other one. */
export async function openTransport(
  config: Config,
  { sql, databaseUrl, pools, log, closing, prepared }: TransportParts,
  onFatal: (error: Error) => void,
): Promise<OpenTransport> {
  if (config.kafka === undefined) {
    const { EmbeddedTransport } = await import("./transport/embedded/embedded-transport.ts");
    const { LeaseKeeper } = await import("./transport/embedded/lease-keeper.ts");
    const owner = `${config.consumer.slice(-40)}/${pools.process}`;
    const writer = pools.open(databaseUrl, owner, 1, {
      process: undefined,
      synchronousCommit: "off",
      notified: () => transport.lookNow(),
    });
    const problem = (what: string, error: unknown) => log.error(what, { error });
    const changed = (what: string) => log.info(what);
    const keeper = new LeaseKeeper({ databaseUrl, owner, process: pools.process, problem });
    const transport: Embedded = new EmbeddedTransport({ sql, writer, owner, keeper, problem, changed });
    closing.add(() => transport.stop());
    return { transport, start: () => transport.start() };
  }
  const { createKafkaTransport } = await import("./transport/kafka/kafka-transport.ts");
  const { patienceOf } = await import("./transport/kafka/rebuilding.ts");
  const ownUrl = () => connectorUrl(sql, databaseUrl);
  const transport = await createKafkaTransport({
    ...config.kafka,
    prefix: config.prefix,
    databaseUrl: (prepared === "untouched" ? null : await ownUrl()) ?? databaseUrl,
    sql,
    clientId: `ekiden-${config.consumer}`,
    log,
    ...(prepared !== undefined && { prepared }),
    missing: (since, until) => countMissing(sql, since, until),
    patience: patienceOf(config.patienceMs),
    onFatal,
  });
  closing.add(() => transport.stop());
  return { transport, start: () => {} };
}

interface TransportParts {
  /** For transactions of the transport's own. */
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly pools: Pools;
  readonly log: Log;
  readonly closing: Closing;
  /** Kafka: what must be there when it is open; see `KafkaTransportOptions`. */
  readonly prepared?: "ready" | "registered" | "untouched";
}
