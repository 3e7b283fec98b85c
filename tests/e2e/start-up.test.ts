import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "../architecture/project-files.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/engine.ts";
import { launch, runToEnd, startProcess } from "../support/engine-process.ts";
import { approvedApplication } from "../support/example.ts";
import { tempHome, type TempHome } from "../support/temp-home.ts";
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

test("an empty home is all it needs; a second engine on it, and a taken port, are refused in one sentence", async () => {
  const own = join(home.path, "one");
  const engine = await startProcess(tree.path, { EKIDEN_HOME: own, EKIDEN_RATELIMIT: "0" });
  try {
    // A variable that nothing reads is named, and keeps nothing from starting.
    expect(engine.output()).toMatch(/"level":"warn".*EKIDEN_RATELIMIT is set.*Did you mean EKIDEN_RATE_LIMIT\?/);
    const client = new Client(() => engine.url);
    expect((await client.start("onboarding", approvedApplication("A-1"), "?wait=30s")).status).toBe("completed");
    expect(engine.output()).toContain("curl -s");

    const second = await runToEnd(tree.path, { EKIDEN_HOME: own });
    expect(second.code).toBe(1);
    expect(second.output).toContain("another engine");
    const port = new URL(engine.url).port;
    const taken = await runToEnd(tree.path, { EKIDEN_HOME: join(home.path, "two"), PORT: port });
    expect(taken.code).toBe(1);
    expect(taken.output).toContain(`127.0.0.1:${port} is taken`);
  } finally {
    // The terminal is closed: the engine ends as by Ctrl-C, and its PostgreSQL with it.
    expect(await engine.end("SIGHUP")).toBe(0);
  }
  expect(existsSync(join(own, "engine.pid"))).toBe(false);
}, 120_000);

/** Process group of the process whose command line has these words, or of this one. */
function groupOf(words: string, pid?: number): string | undefined {
  const lines = Bun.spawnSync(["ps", "-ww", "-eo", "pid=,pgid=,args="]).stdout.toString().split("\n");
  const line = lines.find((text) => text.includes(words) && (pid === undefined || Number.parseInt(text, 10) === pid));
  return line?.trim().split(/\s+/)[1];
}

test("told to end while it starts, it takes its PostgreSQL with it", async () => {
  const own = join(home.path, "early");
  const run = launch(tree.path, { EKIDEN_HOME: own });
  try {
    // In a group of its own: a terminal's Ctrl-C must not end it in the middle.
    const group = await eventually("the data folder is made", async () => groupOf(`initdb --pgdata ${own}`), 30_000);
    expect(group).not.toBe(groupOf("engine/main.ts", run.child.pid));
    const pidFile = join(own, "postgres", "postmaster.pid");
    await eventually("PostgreSQL starts", async () => existsSync(pidFile) || undefined, 60_000);
    run.child.kill("SIGINT");
    await run.child.exited;
    await run.ended;

    expect([run.child.exitCode, run.output()]).toEqual([0, expect.not.stringContaining("Ekiden is ready")]);
    expect(existsSync(pidFile)).toBe(false);
  } finally {
    run.child.kill("SIGKILL");
  }
}, 120_000);

test("under nohup a closed terminal ends nothing", async () => {
  const signals = async (how: string) => {
    const code = `console.log((await import(${JSON.stringify(join(root, "engine/end-signals.ts"))})).endSignals().join(" "))`;
    const child = Bun.spawn(["env", how, process.execPath, "-e", code], { stdout: "pipe" });
    return (await new Response(child.stdout).text()).trim();
  };

  expect(await signals("--ignore-signal=HUP")).toBe("SIGINT SIGTERM");
  expect(await signals("--default-signal=HUP")).toBe("SIGINT SIGTERM SIGHUP");
});

test("after kill -9 the next start finds everything and goes on", async () => {
  const own = join(home.path, "three");
  const killed = await startProcess(tree.path, { EKIDEN_HOME: own });
  const first = new Client(() => killed.url);
  const weak = { ...approvedApplication("A-9"), credit: { amount: 9_000, months: 48, purpose: "car (new)" } };
  const { sagaId } = await first.start("onboarding", weak);
  await killed.end("SIGKILL");

  const engine = await startProcess(tree.path, { EKIDEN_HOME: own });
  try {
    const client = new Client(() => engine.url);
    const signalled = await client.call("POST", `/v1/sagas/${sagaId}/signals/screening_reviewed`, {
      decision: "approve",
      reviewer: "Sato",
    });
    expect(signalled.status).toBe(202);
    expect((await client.settled(sagaId)).status).toBe("completed");
  } finally {
    // A Ctrl-C arrives more than once: from the terminal, and passed on by npx and `bun run`. It still drains.
    process.kill(engine.pid, "SIGINT");
    expect(await engine.end("SIGINT")).toBe(0);
  }
}, 120_000);

test("faults of the environment are named together", async () => {
  const { code, output } = await runToEnd(tree.path, {
    PORT: "eighty",
    EKIDEN_JWT_ISSUER: "https://me",
    EKIDEN_ROLES: "api,cook",
  });

  expect(code).toBe(1);
  expect(output).toContain("PORT must be a port");
  expect(output).toContain("EKIDEN_JWT_KEYS_URL, EKIDEN_JWT_AUDIENCE must be set too");
  expect(output).toContain('EKIDEN_ROLES has "cook"');
}, 60_000);

test("a database that does not answer is named in one sentence, without its password", async () => {
  const { code, output } = await runToEnd(tree.path, { DATABASE_URL: "postgres://me:secret@127.0.0.1:1/nothing" });

  expect(code).toBe(1);
  expect(output).toContain("PostgreSQL at 127.0.0.1:1/nothing does not answer");
  expect(output).not.toContain("secret");
}, 60_000);

test("a home that cannot be written is refused in one sentence", async () => {
  const file = join(home.path, "a-file");
  await Bun.write(file, "no folder");
  const { code, output } = await runToEnd(tree.path, { EKIDEN_HOME: join(file, "home") });

  expect(code).toBe(1);
  expect(output.trim().split("\n").length).toBeLessThanOrEqual(3);
  expect(output).toContain("a-file");
}, 60_000);
