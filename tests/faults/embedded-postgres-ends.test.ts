import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { readFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

import { findPostmaster } from "../../engine/stack/postmaster.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { approvedApplication } from "../support/example.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { copyTree, type Tree } from "../support/tree.ts";

let tree: Tree;
let home: TempHome;

beforeAll(async () => {
  tree = await copyTree();
  home = await tempHome();
}, 60_000);
afterAll(async () => {
  await home?.remove();
  await tree?.remove();
}, 60_000);

/** The postmaster of a home, whichever it is now. */
async function postmaster(own: string): Promise<number> {
  return Number((await readFile(join(own, "postgres", "postmaster.pid"), "utf8")).split("\n")[0]);
}

function completes(engine: EngineProcess, key: string): Promise<unknown> {
  const client = new Client(() => engine.url);
  return client.start("onboarding", approvedApplication(key), "?wait=30s").then(({ status }) => status);
}

async function isReady(engine: EngineProcess): Promise<true | undefined> {
  return (await fetch(`${engine.url}/health/ready`)).ok || undefined;
}

interface Health {
  readonly parts: readonly { readonly part: string; readonly ok: boolean; readonly hint?: string }[];
}

async function health(engine: EngineProcess): Promise<Health> {
  return (await fetch(`${engine.url}/health/ready`)).json() as Promise<Health>;
}

async function ended(engine: EngineProcess): Promise<number> {
  return Promise.race([engine.exited, Bun.sleep(60_000).then(() => Promise.reject(new Error(engine.output())))]);
}

test("an engine whose own PostgreSQL is killed starts it again, and so heals a second process on it", async () => {
  const own = join(home.path, "one");
  const engine = await startProcess(tree.path, { EKIDEN_HOME: own });
  const url = await readFile(join(own, "database.url"), "utf8");
  const second = await startProcess(tree.path, { DATABASE_URL: url.trim() });
  try {
    expect(await completes(engine, "A-1")).toBe("completed");
    const killed = await postmaster(own);
    process.kill(killed, "SIGKILL");
    await eventually("it is started again", async () => (await postmaster(own)) !== killed || undefined, 30_000);
    for (const each of [engine, second]) await eventually("it is ready", () => isReady(each), 60_000);
    expect(await completes(engine, "A-2")).toBe("completed");
    expect(await completes(second, "A-3")).toBe("completed");
    expect(await readFile(join(own, "database.url"), "utf8")).toBe(url);
    expect(engine.output()).toMatch(
      /"level":"error".*the engine's own PostgreSQL \(pid \d+\) ended without being asked; it is started again, nothing that was committed is lost.*one\/postgres\.log/,
    );
    expect(engine.output()).toMatch(/"level":"info".*the engine's own PostgreSQL runs again/);
    expect(second.output()).not.toContain("the engine's own PostgreSQL");
  } finally {
    expect(await second.end("SIGTERM")).toBe(0);
    expect(await engine.end("SIGTERM")).toBe(0);
  }
}, 240_000);

test("where it cannot be started again, the engine ends with exit code 1 and says why", async () => {
  const own = join(home.path, "two");
  const engine = await startProcess(tree.path, { EKIDEN_HOME: own });
  const killed = await postmaster(own);
  // The password is gone with it: a server that is made anew would be another database.
  await rm(join(own, "database.url"));
  process.kill(killed, "SIGKILL");
  expect(await ended(engine)).toBe(1);
  expect(engine.output()).toMatch(/the engine cannot go on.*database\.url is gone/);
  expect(engine.output()).toContain("stopping because of its own PostgreSQL, which ended");
}, 180_000);

test("while its port is taken it waits, and the hint speaks of its own PostgreSQL and not of DATABASE_URL", async () => {
  const own = join(home.path, "three");
  const engine = await startProcess(tree.path, { EKIDEN_HOME: own });
  const url = new URL((await readFile(join(own, "database.url"), "utf8")).trim());
  const squatter = createServer((client) => client.destroy());
  try {
    // It has seen that there are no keys: who asks is told more than yes or no.
    await eventually("it is ready", () => isReady(engine), 60_000);
    process.kill(await postmaster(own), "SIGKILL");
    await eventually("the port is ours", () => listens(squatter, Number(url.port)), 5_000);
    const red = await eventually("the database is away", async () => databaseOf(await health(engine)), 60_000);
    expect(red).toMatchObject({
      ok: false,
      hint: `The engine starts its own PostgreSQL again when it has ended; its log is ${join(own, "postgres.log")}.`,
    });
    expect(engine.output()).not.toContain("cannot go on");
    await new Promise((resolve) => squatter.close(resolve));
    await eventually("it is ready again", () => isReady(engine), 60_000);
    expect(await completes(engine, "B-1")).toBe("completed");
  } finally {
    squatter.close();
    expect(await engine.end("SIGTERM")).toBe(0);
  }
}, 180_000);

/** What `pg_ctl restart` does: it stops the server and starts it at once, with the same arguments. */
async function restart(own: string): Promise<number> {
  const data = join(own, "postgres");
  const before = await postmaster(own);
  const [program = "", ...rest] = (await readFile(`/proc/${before}/cmdline`, "utf8")).split("\0").slice(0, -1);
  const { uid, gid } = await stat(data);
  process.kill(before, "SIGINT");
  await eventually("it has ended", async () => (await findPostmaster(data)) === undefined, 30_000);
  const child = spawn(program, rest, { uid, gid, cwd: "/", detached: true, stdio: "ignore" });
  child.unref();
  return child.pid ?? 0;
}

test("an engine whose own PostgreSQL somebody restarts takes the new server for its own", async () => {
  const own = join(home.path, "four");
  const engine = await startProcess(tree.path, { EKIDEN_HOME: own });
  try {
    expect(await completes(engine, "A-1")).toBe("completed");
    const restarted = await restart(own);
    await eventually("it is told", async () => engine.output().includes(`runs again (pid ${restarted})`), 30_000);
    expect(await postmaster(own)).toBe(restarted);
    await eventually("it is ready", () => isReady(engine), 60_000);
    expect(await completes(engine, "A-2")).toBe("completed");
  } finally {
    expect(await engine.end("SIGTERM")).toBe(0);
  }
  expect(await findPostmaster(join(own, "postgres"))).toBeUndefined();
}, 240_000);

function listens(server: Server, port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}

function databaseOf({ parts }: Health): Health["parts"][number] | undefined {
  return parts.find(({ part, ok }) => part === "database" && !ok);
}
