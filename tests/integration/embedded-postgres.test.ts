import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, lstat, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import postgres from "postgres";

import { startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { freePort } from "../../engine/stack/free-port.ts";
import { lockHome } from "../../engine/stack/home-lock.ts";
import { identifyProcess } from "../../engine/stack/process-identity.ts";
import { StackError } from "../../engine/stack/stack-error.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const launcher = join(import.meta.dir, "../support/launch-and-report.ts");
const locker = join(import.meta.dir, "../support/lock-and-report.ts");
let home: TempHome;

// A first start writes a whole database to the disk; on a busy machine that takes longer than five seconds.
setDefaultTimeout(60_000);

beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

test("a second start keeps the data and the address, and a stop leaves no process", async () => {
  const first = await startEmbeddedPostgres({ home: home.path });
  await query(first.url, (sql) => sql`create table runner (name text)`);
  await query(first.url, (sql) => sql`insert into runner (name) values ('Hana')`);
  await first.stop();
  expect(await identifyProcess(first.pid)).toBeUndefined();

  const second = await startEmbeddedPostgres({ home: home.path });
  expect(await query(second.url, (sql) => sql`select name from runner`)).toEqual([{ name: "Hana" }]);
  expect(second.url).toBe(first.url);
  await second.stop();
});

test("nothing that guards data is switched off, and the password is for its owner only", async () => {
  const server = await startEmbeddedPostgres({ home: home.path, settings: { work_mem: "8MB" } });
  const rows = await query(
    server.url,
    (sql) => sql`
    select name, setting from pg_settings
    where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'listen_addresses', 'work_mem')
    order by name
  `,
  );
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
    fsync: "on",
    full_page_writes: "on",
    listen_addresses: "127.0.0.1",
    synchronous_commit: "on",
    wal_level: "logical",
    work_mem: "8192",
  });
  expect((await lstat(join(home.path, "database.url"))).mode & 0o777).toBe(0o600);
  await server.stop();
});

test("the server of an engine that was killed is adopted by the next one", async () => {
  const orphan = await launchAndKill(home.path);

  const adopted = await startEmbeddedPostgres({ home: home.path });
  expect({ pid: adopted.pid, url: adopted.url }).toEqual(orphan);
  await adopted.stop();
  expect(await identifyProcess(orphan.pid)).toBeUndefined();
});

test("an orphan that was started with other settings is replaced", async () => {
  const orphan = await launchAndKill(home.path);

  const replaced = await startEmbeddedPostgres({ home: home.path, settings: { work_mem: "9MB" } });
  expect(replaced.pid).not.toBe(orphan.pid);
  expect(await query(replaced.url, (sql) => sql`show work_mem`)).toEqual([{ work_mem: "9MB" }]);
  await replaced.stop();
});

test("after a kill -9 of the server itself it starts again with what was committed", async () => {
  const first = await startEmbeddedPostgres({ home: home.path });
  await query(first.url, (sql) => sql`create table runner (name text)`);
  process.kill(first.pid, "SIGKILL");

  const second = await startEmbeddedPostgres({ home: home.path });
  expect(await query(second.url, (sql) => sql`select name from runner`)).toEqual([]);
  await second.stop();
});

test("a first start that was interrupted begins anew", async () => {
  const first = await startEmbeddedPostgres({ home: home.path });
  await first.stop();
  const elsewhere = await tempHome();
  // What an initdb cut in the middle leaves: a draft, and an address whose data never came to be.
  await writeFile(join(elsewhere.path, "database.url"), await readFile(join(home.path, "database.url")));
  await symlink("nowhere", join(elsewhere.path, "postgres.new"));

  const second = await startEmbeddedPostgres({ home: elsewhere.path });
  expect(second.url).not.toBe(first.url);
  await second.stop();
  await elsewhere.remove();
});

test("a home that only its owner may enter serves as well, root's PostgreSQL user notwithstanding", async () => {
  await chmod(home.path, 0o700);
  const first = await startEmbeddedPostgres({ home: home.path });
  await query(first.url, (sql) => sql`create table runner (name text)`);
  await first.stop();

  const second = await startEmbeddedPostgres({ home: home.path });
  expect(await query(second.url, (sql) => sql`select name from runner`)).toEqual([]);
  await second.stop();
});

test("a second engine on the same home is refused in one sentence", async () => {
  const lock = await lockHome(home.path);
  expect(await refusal(lockHome(home.path))).toEqual({
    code: "stack.home-locked",
    message: `another engine (pid ${process.pid}) already runs on ${home.path}`,
  });
  await lock.release();
  await (await lockHome(home.path)).release();
});

test("who holds a home is called what it is, and who is refused is told what it can do", async () => {
  const at = `(pid ${process.pid})`;
  const beside = `Beside that engine: DATABASE_URL="$(cat ${home.path}/database.url)" bun run ekiden migrate`;
  const rows = [
    ["engine", "ekiden migrate", `an engine ${at} runs on ${home.path}`, beside],
    [
      "ekiden migrate",
      "engine",
      `\`ekiden migrate\` ${at} works on ${home.path}`,
      "It ends by itself: start again then.",
    ],
    [
      "ekiden keys",
      "ekiden migrate",
      `\`ekiden keys\` ${at} works on ${home.path}`,
      "It ends by itself: start again then.",
    ],
    ["stack", "stack", `another stack ${at} already runs on ${home.path}`, "Stop that one first"],
  ] as const;
  for (const [holder, asks, message, hint] of rows) {
    const lock = await lockHome(home.path, holder);
    const error = await lockHome(home.path, asks).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ code: "stack.home-locked", message, hint: expect.stringContaining(hint) });
    await lock.release();
  }
});

test("the lock of a dead engine, or of another program with its pid, does not hold", async () => {
  await writeFile(join(home.path, "engine.pid"), `${process.pid}\nanother boot:1\n`);
  await (await lockHome(home.path)).release();
  await writeFile(join(home.path, "engine.pid"), "");
  await (await lockHome(home.path)).release();
});

test("of engines that find a dead one's lock at the same instant, one gets it", async () => {
  await writeFile(join(home.path, "engine.pid"), `${process.pid}\nanother boot:1\n`);
  const starters = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, locker, home.path], { stdout: "pipe" }),
  );
  const outcomes = await Promise.all(starters.map(firstLine));
  for (const starter of starters) starter.kill("SIGKILL");
  expect(outcomes.toSorted()).toEqual(["locked", ...Array<string>(5).fill("stack.home-locked")]);
});

test("a home that cannot be written is named in one sentence", async () => {
  // A file in the way refuses root too, whom no file mode stops.
  await writeFile(join(home.path, "file"), "");
  const blocked = join(home.path, "file", "home");
  const expected = {
    code: "stack.home-unwritable",
    message: `the folder ${blocked} cannot be written (ENOTDIR)`,
  };
  expect(await refusal(lockHome(blocked))).toEqual(expected);
  expect(await refusal(startEmbeddedPostgres({ home: blocked }))).toEqual(expected);
});

test("a fixed port that is taken is named in one sentence", async () => {
  const port = await freePort();
  const squatter = createServer().listen(port, "127.0.0.1");
  expect(await refusal(startEmbeddedPostgres({ home: home.path, port: port ?? 0 }))).toEqual({
    code: "stack.port-taken",
    message: `port ${port} for PostgreSQL is taken`,
  });
  squatter.close();
});

async function query<T extends readonly object[]>(url: string, act: (sql: postgres.Sql) => PromiseLike<T>) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...(await act(sql))];
  } finally {
    await sql.end();
  }
}

async function launchAndKill(path: string): Promise<{ pid: number; url: string }> {
  const engine = Bun.spawn([process.execPath, launcher, path], { stdout: "pipe" });
  const report = await firstLine(engine);
  engine.kill("SIGKILL");
  await engine.exited;
  return JSON.parse(report);
}

async function firstLine(engine: Bun.Subprocess<"ignore", "pipe", "inherit">): Promise<string> {
  const { value } = await engine.stdout.getReader().read();
  return new TextDecoder().decode(value).trim();
}

async function refusal(attempt: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StackError)) throw new Error(`expected a StackError, got ${error}`);
  return { code: error.code, message: error.message };
}
