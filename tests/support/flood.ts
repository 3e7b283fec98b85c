import { join } from "node:path";
import postgres from "postgres";
import { residentMiB } from "../../bench/processes.ts";
import { startProcess } from "./engine-process.ts";
import { eventually } from "./engine.ts";
import { freshDatabase, testPostgres } from "./postgres.ts";

const root = join(import.meta.dir, "../..");

/** What a flood of starts did to an engine and its other callers. */
export interface Flood {
  readonly client: { created: number; again: number; busy: number; withoutRetryAfter: number; others: string[] };
  /** Resident memory of the engine, MiB, sampled while starts came in and until all sagas had ended. */
  readonly memory: readonly number[];
  /** Calls of another client meanwhile, and those of them that were not answered 200. */
  readonly reads: number;
  readonly badReads: readonly string[];
  readonly sagas: number;
  readonly completed: number;
}

/** Lets `count` starts loose on an engine process, `inFlight` at a time, and waits until every saga has ended. */
export async function flood(count: number, inFlight: number): Promise<Flood> {
  const database = await freshDatabase(await testPostgres());
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  const environment = { DATABASE_URL: database.url, EKIDEN_DOMAINS: join(root, "bench/domains") };
  const engine = await startProcess(root, environment);
  try {
    const watch = observe(engine.url, engine.pid);
    const client = await runClient(engine.url, count, inFlight);
    await eventually("every saga has ended", () => allEnded(sql), 1_200_000);
    const { memory, reads, badReads } = await watch.end();
    const [row] = await sql<{ sagas: number; completed: number }[]>`
      select count(*)::int as sagas, count(*) filter (where status = 'completed')::int as completed from timeline.saga
    `;
    return { client, memory, reads, badReads, sagas: row?.sagas ?? 0, completed: row?.completed ?? 0 };
  } finally {
    await engine.end("SIGTERM");
    await sql.end({ timeout: 5 });
    await database.drop();
  }
}

async function allEnded(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql<{ open: boolean }[]>`select exists (select from timeline.saga_open) as open`;
  return row?.open === false;
}

async function runClient(url: string, count: number, inFlight: number): Promise<Flood["client"]> {
  const program = join(import.meta.dir, "flood-client.ts");
  const child = Bun.spawn([process.execPath, program, url, String(count), String(inFlight)], {
    // The client library would hold back everything beyond 256 requests at a time.
    env: { PATH: process.env.PATH ?? "", BUN_CONFIG_MAX_HTTP_REQUESTS: String(inFlight) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the client of the flood failed");
  return JSON.parse(text) as Flood["client"];
}

/** Somebody else who works with the engine meanwhile. */
function observe(url: string, pid: number) {
  const memory: number[] = [];
  const badReads: string[] = [];
  let reads = 0;
  let going = true;
  const run = async () => {
    while (going) {
      memory.push(residentMiB(pid));
      for (const path of ["/v1/sagas?limit=5", "/v1/consumer-groups", "/health/live"]) {
        const response = await fetch(`${url}${path}`);
        await response.arrayBuffer();
        reads += 1;
        if (response.status !== 200) badReads.push(`${path} ${response.status}`);
      }
      await Bun.sleep(100);
    }
  };
  const running = run();
  return {
    async end() {
      going = false;
      await running;
      return { memory, reads, badReads };
    },
  };
}
