import postgres from "postgres";
import { parseConfig } from "../../engine/config.ts";
import { type RunningEngine, startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { Client } from "./client.ts";
import { eventually, LAB } from "./engine.ts";
import { freshDatabase, testPostgres } from "./postgres.ts";
import { type PostgresProxy, postgresProxy } from "./postgres-proxy.ts";

/** An embedded engine whose every connection goes through a proxy; `sql` goes past it. */
export interface ProxiedEngine {
  readonly engine: RunningEngine;
  readonly proxy: PostgresProxy;
  readonly client: Client;
  readonly sql: postgres.Sql;
  readonly log: readonly string[];
  /** What `/health/ready` answers. */
  ready(): Promise<number>;
  /** Waits until these sagas have ended and counts what they left: three effects each that completed, undone ones else. */
  ends(sagaIds: readonly string[]): Promise<{ readonly completed: number; readonly undone: number }>;
  close(): Promise<void>;
}

/** Starts it on a database of its own. */
export async function proxiedEngine(environment: Readonly<Record<string, string>> = {}): Promise<ProxiedEngine> {
  const database = await freshDatabase(await testPostgres());
  const proxy = await postgresProxy(database.url);
  const sql = postgres(database.url, { max: 2, onnotice: () => {} });
  const log: string[] = [];
  const variables = { DATABASE_URL: proxy.url, EKIDEN_DOMAINS: LAB, EKIDEN_LOG: "json", PORT: "0", ...environment };
  const config = parseConfig(variables);
  const engine = await startEngine(
    config,
    createLog("json", (line) => log.push(line)),
    (error) => log.push(`FATAL ${error.message}`),
  );
  return {
    engine,
    proxy,
    client: new Client(() => engine.url as string),
    sql,
    log,
    ready: async () => (await fetch(`${engine.url}/health/ready`)).status,
    ends: (sagaIds) => ends(sql, sagaIds),
    async close() {
      proxy.decide(() => "pass");
      proxy.heal();
      await engine.stop();
      await sql.end({ timeout: 5 });
      await proxy.close();
      await database.drop();
    },
  };
}

async function ends(sql: postgres.Sql, sagaIds: readonly string[]) {
  const rows = await eventually(
    "every saga ends",
    async () => {
      const found = await sql<{ id: string; status: string; effects: number; undone: number }[]>`
        select s.id, s.status,
          (select count(*)::int from lab.effect e where e.saga_id = s.id) as effects,
          (select count(*)::int from lab.undone u where u.saga_id = s.id) as undone
        from timeline.saga s where s.id = any(${[...sagaIds]})`;
      const open = found.filter(({ status }) => !["completed", "failed", "cancelled"].includes(status));
      if (open.length > 0 || found.length < sagaIds.length) throw new Error(JSON.stringify(open.slice(0, 3)));
      return found;
    },
    60_000,
  );
  const completed = rows.filter(({ status }) => status === "completed");
  const undone = rows.filter(({ status }) => status !== "completed");
  const wrong = [
    ...completed.filter((row) => row.effects !== 3 || row.undone !== 0),
    ...undone.filter((row) => row.effects !== row.undone),
  ];
  if (wrong.length > 0) throw new Error(`effects are not counted once: ${JSON.stringify(wrong)}`);
  return { completed: completed.length, undone: undone.length };
}
