/**
 * `bun scripts/make-release-rows.ts <commit> <file>`: lets the engine of an earlier commit, from this repository's history, work on
 * a database of its own, kills it in the middle of sagas, and writes down all rows that it left: what tests/integration/upgrade.test.ts
 * upgrades. A clone without history cannot do that, which is why the file is kept.
 */
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";

import { startEmbeddedPostgres } from "../engine/stack/embedded-postgres.ts";

const root = join(import.meta.dir, "..");
/** Made by migrating, or of the one server. */
const LEFT_OUT = ["timeline.migration", "timeline.identity", "timeline.domain_login"];
const ONE_PAUSED = "lab";

const [commit, file] = process.argv.slice(2);
if (commit === undefined || file === undefined) {
  console.error("usage: bun scripts/make-release-rows.ts <commit> <file>");
  process.exit(2);
}

const work = await mkdtemp(join(tmpdir(), "ekiden-release-"));
const tree = join(work, "tree");
const server = await startEmbeddedPostgres({ home: join(work, "home") });
try {
  await run("git", "worktree", "add", "--detach", tree, commit);
  await symlink(join(root, "node_modules"), join(tree, "node_modules"));
  await Bun.write(join(root, file), `${JSON.stringify(await leftBehind(server.url), null, 1)}\n`);
} finally {
  await run("git", "worktree", "remove", "--force", tree).catch(() => undefined);
  await server.stop();
  await rm(work, { recursive: true, force: true });
}

async function run(...command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
}

async function leftBehind(databaseUrl: string): Promise<object> {
  const engine = Bun.spawn([process.execPath, "engine/main.ts"], {
    cwd: tree,
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: databaseUrl,
      EKIDEN_DOMAINS: join(tree, "tests/support/lab"),
      EKIDEN_LOG: "json",
      PORT: "0",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const gather = async () => {
    for await (const chunk of engine.stdout) said += new TextDecoder().decode(chunk);
  };
  void gather();
  const url = await seen("the older engine", async () => /API {2,}(http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1]);
  const sagas = await startSagas(url);
  engine.kill("SIGKILL");
  await engine.exited;
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    return { commit, ...(await rowsOf(sql)), sagas };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function startSagas(url: string): Promise<Record<string, string>> {
  const call = async (path: string, body?: object) => {
    const response = await fetch(`${url}${path}`, {
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      headers: { "content-type": "application/json" },
    });
    return (await response.json()) as { sagaId: string; status: string; waitingFor: readonly unknown[] | null };
  };
  const start = async (definition: string, input: object) => (await call(`/v1/sagas/${definition}`, input)).sagaId;
  const done = await start("one_step", { note: "done before" });
  const waits = await start("waiting", { note: "waits", patience: "long" });
  const undone = await start("waiting", { note: "will be undone", patience: "long" });
  await seen("one is done", async () => (await call(`/v1/sagas/${done}`)).status === "completed");
  for (const id of [waits, undone])
    await seen("one waits", async () => (await call(`/v1/sagas/${id}`)).waitingFor !== null);
  await call(`/v1/consumer-groups/${ONE_PAUSED}/pause`, { reason: "before the upgrade" });
  return { done, waits, undone, onItsWay: await start("three", { note: "on its way" }) };
}

async function rowsOf(sql: postgres.Sql): Promise<object> {
  const tables = await sql<{ name: string }[]>`
    select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('timeline', 'lab') and c.relkind in ('r', 'p') and not c.relispartition order by 1
  `;
  const kept = tables.map(({ name }) => name).filter((name) => !LEFT_OUT.includes(name));
  const rows: Record<string, unknown> = {};
  for (const name of kept) {
    const [found] = await sql<{ rows: unknown[] | null }[]>`select jsonb_agg(to_jsonb(t)) as rows from ${sql(name)} t`;
    if (found?.rows !== null && found !== undefined) rows[name] = found.rows;
  }
  const [now] = await sql<
    { at: Date; xid: string }[]
  >`select clock_timestamp() as at, pg_current_xact_id()::text as xid`;
  return { takenAt: now?.at, xid: now?.xid, rows };
}

async function seen<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await Bun.sleep(50);
  }
  throw new Error(`${what}: not within a minute`);
}
