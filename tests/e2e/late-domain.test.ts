import { afterAll, beforeAll, expect, test } from "bun:test";

import { ekiden } from "../cli/run-cli.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { copyTree, type Tree } from "../support/tree.ts";

let tree: Tree;
let database: FreshDatabase;
let engine: EngineProcess;

const start = () => startProcess(tree.path, { DATABASE_URL: database.url });

beforeAll(async () => {
  tree = await copyTree();
  database = await freshDatabase();
  engine = await start();
}, 60_000);
afterAll(async () => {
  await engine?.end("SIGKILL");
  await database?.drop();
  await tree?.remove();
}, 60_000);

const HINT = "domains/hello was added after this engine started: start it again.";

test("of a domain that was added while the engine runs it is said that the engine must be started again", async () => {
  await tree.write("domains/hello.saga.yaml", "saga: hello\nversion: 1\nsteps: [{ command: hello.greet }]\n");
  await eventually("the fault is reported", async () => engine.output().includes("hello.greet") || undefined);
  // The folder comes after the file: it is noticed although no definition has changed.
  await tree.write(
    "domains/hello/domain.ts",
    `import { defineDomain, succeeded } from "ekiden";
import * as v from "valibot";
export default defineDomain({
  name: "hello",
  steps: { greet: { input: v.strictObject({}), run: async () => succeeded() } },
});
`,
  );
  await eventually("the reason is reported", async () => engine.output().includes(HINT) || undefined);

  const there = { EKIDEN_URL: engine.url };
  const started = await ekiden(["start", "hello"], there);
  const shown = await (await fetch(`${engine.url}/v1/definitions/hello`)).json();
  const why = `domains/hello.saga.yaml:3:20 keeps it from being used: no domain has the command \`hello.greet\`. ${HINT}`;
  expect([started.code, started.err]).toEqual([1, expect.stringContaining(why)]);
  expect(shown).toMatchObject({ code: "saga.unknown-definition", hint: why });
  expect((await ekiden(["start", "nothing"], there)).err).toContain("`ekiden definitions` lists them.");

  expect(await engine.end("SIGTERM")).toBe(0);
  engine = await start();
  expect((await ekiden(["start", "hello", "--wait", "20s"], { EKIDEN_URL: engine.url })).code).toBe(0);
}, 120_000);
