import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually } from "../support/engine.ts";
import { type EngineProcess, startProcess } from "../support/engine-process.ts";
import { approvedApplication } from "../support/example.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { copyTree, type Tree } from "../support/tree.ts";

const FILE = "domains/onboarding.saga.yaml";
let tree: Tree;
let database: FreshDatabase;
let engine: EngineProcess;
const client = new Client(() => engine.url);

beforeAll(async () => {
  tree = await copyTree();
  database = await freshDatabase();
  engine = await startProcess(tree.path, { DATABASE_URL: database.url });
}, 60_000);

afterAll(async () => {
  await engine?.end("SIGKILL");
  await database?.drop();
  await tree?.remove();
}, 60_000);

const version = async () => ((await client.ok("GET", "/v1/definitions/onboarding")) as { version: number }).version;

test("an edited definition is used by new sagas, running ones finish on their own revision", async () => {
  // Weak enough for a review: it waits there while the file changes.
  const reviewed = { ...approvedApplication("A-review"), credit: { amount: 9_000, months: 48, purpose: "car (new)" } };
  const { sagaId } = await client.start("onboarding", reviewed);
  await eventually(
    "the review waits",
    async () => (await client.saga(sagaId)).waitingFor?.[0]?.signal === "screening_reviewed",
  );

  await tree.edit(FILE, "version: 1", "version: 2");
  await tree.edit(
    FILE,
    /\noutput:[\s\S]*$/,
    "\noutput:\n  contractId: ${ steps.contract.contractId }\n  edited: true\n",
  );
  await eventually("version 2 is current", async () => (await version()) === 2);
  const fresh = await client.start("onboarding", approvedApplication("A-fresh"), "?wait=30s");
  expect(fresh).toMatchObject({ status: "completed", version: 2, output: { edited: true } } as never);

  await client.ok("POST", `/v1/sagas/${sagaId}/signals/screening_reviewed`, { decision: "approve", reviewer: "Sato" });
  const finished = await client.settled(sagaId);
  expect(finished).toMatchObject({ status: "completed", version: 1 } as never);
  expect(finished.output).not.toHaveProperty("edited");
}, 60_000);

test("a broken file is reported with its place and the fix, and the last good revision goes on", async () => {
  const good = await tree.read(FILE);
  await tree.write(FILE, good.replace("command: contract.conclude", "command: contract.concluded"));
  const report = await eventually("the fault is reported", async () =>
    engine.output().includes("contract.concluded") ? engine.output() : undefined,
  );

  const line = good.split("\n").findIndex((text) => text.includes("command: contract.conclude")) + 1;
  expect(report).toContain(`${FILE}:${line}:`);
  expect(report).toContain("^");
  expect(report).toContain("contract.conclude");
  // As it is on disk, for whoever repairs it in the console.
  const listed: { broken: unknown } = await client.ok("GET", "/v1/definitions");
  expect(listed.broken).toMatchObject([{ file: FILE, source: await tree.read(FILE) }]);
  expect(await version()).toBe(2);
  expect((await client.start("onboarding", approvedApplication("A-still"), "?wait=30s")).status).toBe("completed");
  const check = Bun.spawnSync([process.execPath, "engine/boot.ts", "engine/cli.ts", "check"], { cwd: tree.path });
  expect(check.exitCode).toBe(1);
  expect(check.stdout.toString() + check.stderr.toString()).toContain(`${FILE}:${line}:`);

  await tree.write(FILE, good);
  await eventually("it is said to be mended", async () => engine.output().includes(`${FILE} is mended`));
  await tree.write(FILE, good.replace("version: 2", "version: 3"));
  await eventually("the mended file is current", async () => (await version()) === 3);
}, 60_000);

test("after a restart a file with a mistake still starts its sagas by messages", async () => {
  const file = "domains/told.saga.yaml";
  const text = `saga: told
version: 1
start:
  topic: told.orders
  input: { no: "\${event.no}" }
input: { no: string }
steps:
  - fail: odd
`;
  await tree.write(file, text);
  const group = async () => {
    const { items }: { items: { group: string }[] } = await client.ok("GET", "/v1/consumer-groups");
    return items.some((one) => one.group === "start.told") || undefined;
  };
  await eventually("its group listens", group);
  await tree.write(file, `${text}nonsense: true\n`);
  await eventually("the mistake is reported", async () => engine.output().includes("nonsense"));
  await engine.end("SIGTERM");
  engine = await startProcess(tree.path, { DATABASE_URL: database.url });

  await eventually("its group listens again", group);
  expect(await client.ok("GET", "/v1/definitions/told")).toMatchObject({ version: 1 } as never);
  await rm(join(tree.path, file));
}, 60_000);

test("a copy that holds the same saga replaces nothing, whatever its name, and a file that is gone ends nothing", async () => {
  const copy = "domains/a.saga.yaml";
  await tree.write(copy, (await tree.read(FILE)).replace("version: 3", "version: 4"));
  await eventually("both are reported", async () =>
    [`stands in ${copy} too`, `stands in ${FILE} too`].every((text) => engine.output().includes(text)),
  );
  expect(await version()).toBe(3);
  await rm(join(tree.path, copy));
  await eventually("the copy is gone", async () => {
    const { broken }: { broken: readonly unknown[] } = await client.ok("GET", "/v1/definitions");
    return broken.length === 0;
  });

  await rm(join(tree.path, FILE));
  const said = `${FILE} is gone: saga onboarding version 3 stays current`;
  await eventually("the file is missed", async () => engine.output().includes(said));
  expect((await client.start("onboarding", approvedApplication("A-gone"), "?wait=30s")).status).toBe("completed");
}, 60_000);
