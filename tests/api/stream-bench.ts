import { createApi, type RunningApi, serveApi } from "../../engine/api/server.ts";
import type { Engine } from "../../engine/api/port.ts";
import type { StreamLimits } from "../../engine/api/stream/tail.ts";
import type { Sql, Tx } from "../../engine/timeline/database.ts";
import { eventually } from "../support/engine.ts";
import { follow, type SeenEvent, type StreamClient } from "../support/stream-client.ts";
import { type ApiDatabase, apiDatabase } from "./api-database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

/** How a test wants its API. */
export interface Served {
  readonly limits?: Partial<StreamLimits>;
  readonly engine?: Partial<Engine>;
  readonly sql?: Sql;
  readonly idleSeconds?: number;
  readonly draining?: AbortSignal;
}

/** APIs over one database, and clients of their streams. */
export class StreamBench {
  readonly #database: ApiDatabase;
  readonly #servers: RunningApi[] = [];
  readonly #clients: StreamClient[] = [];

  private constructor(database: ApiDatabase) {
    this.#database = database;
  }

  static async open(): Promise<StreamBench> {
    const database = await apiDatabase();
    await database.sql`insert into timeline.topic (name) values ('timeline') on conflict do nothing`;
    return new StreamBench(database);
  }

  get sql(): Sql {
    return this.#database.sql;
  }

  get databaseUrl(): string {
    return this.#database.url;
  }

  serve({ limits, engine, sql = this.sql, idleSeconds, draining }: Served = {}): RunningApi {
    const pollMs = limits?.pollMs ?? 20;
    const streams = { pollMs, restMs: pollMs, ...limits };
    const drains = draining === undefined ? {} : { draining };
    const app = createApi({ engine: readingEngine(engine), sql, log: keptLog(), streams, ...drains });
    const idle = idleSeconds === undefined ? {} : { idleSeconds };
    const server = serveApi({ app, host: "127.0.0.1", port: 0, ...idle });
    this.#servers.push(server);
    return server;
  }

  /** A client that has been let in. */
  async follow(url: string, path = "/v1/stream", after?: string): Promise<StreamClient> {
    const client = await follow(url, path, after);
    this.#clients.push(client);
    if (client.status === 200) await eventually("the first notice", async () => client.notices.length > 0);
    return client;
  }

  /** Between two tests. */
  async clear(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.leave();
    for (const server of this.#servers.splice(0)) await server.stop(0);
  }

  end(): Promise<void> {
    return this.#database.end();
  }
}

/** A transition as the dispatcher writes it. */
export async function transition(
  tx: Tx,
  sagaId: string,
  messageId: string,
  sequence: number,
  status: string,
): Promise<void> {
  await tx`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, consumed_at, sequence,
      status, xid)
    values ('dispatcher', ${messageId}, ${sagaId}, 'timeline', 'here:1', now(), ${sequence}, ${status}, pg_current_xact_id())
  `;
  await tx`update timeline.saga set status = ${status}, sequence = ${sequence} where id = ${sagaId}`;
}

/** Picks one saga's events. */
export function isOf(sagaId: string): (event: SeenEvent) => boolean {
  return (event) => event.sagaId === sagaId;
}
