import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
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

/** What `pg_ctl restart` does: it stops the server and starts it at once, with the same arguments. */
async function restart(data: string): Promise<number> {
  const before = await postmasterOf(data);
  const [program = "", ...rest] = (await readFile(`/proc/${before}/cmdline`, "utf8")).split("\0").slice(0, -1);
  const { uid, gid } = await stat(data);
  process.kill(before, "SIGINT");
  await eventually("it has ended", async () => (await findPostmaster(data)) === undefined, 30_000);
  const child = spawn(program, rest, { uid, gid, cwd: "/", detached: true, stdio: "ignore" });
  child.unref();
  return child.pid ?? 0;
}

async function postmasterOf(data: string): Promise<number> {
  return Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n")[0]);
}

async function completes(engine: EngineProcess, key: string): Promise<unknown> {
  const client = new Client(() => engine.url);
  return client.start("onboarding", approvedApplication(key), "?wait=30s").then(({ status }) => status);
}

test("an engine whose own PostgreSQL somebody restarts takes the new server for its own", async () => {
  const engine = await startProcess(tree.path, { EKIDEN_HOME: home.path });
  const data = join(home.path, "postgres");
  try {
    expect(await completes(engine, "A-1")).toBe("completed");
    const restarted = await restart(data);
    await eventually("it is told", async () => engine.output().includes(`runs again (pid ${restarted})`), 30_000);
    expect(await postmasterOf(data)).toBe(restarted);
    await eventually("it is ready", async () => (await fetch(`${engine.url}/health/ready`)).ok, 60_000);
    expect(await completes(engine, "A-2")).toBe("completed");
  } finally {
    expect(await engine.end("SIGTERM")).toBe(0);
  }
  expect(await findPostmaster(data)).toBeUndefined();
}, 240_000);
