import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

const LONG = `saga: long
version: 1
input:
  note: string
steps:
  - step: first
    command: lab.one
    with: \${ input }
    compensate: lab.undo
    timeout: 5m
`;
let lab: TestEngine;
let folder: string;
const client = new Client(() => lab.url);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ekiden-idle-"));
  await mkdir(join(folder, "lab"));
  await symlink(join(LAB, "lab/sql"), join(folder, "lab/sql"), "dir");
  await Bun.write(join(folder, "lab/domain.ts"), `export { default } from ${JSON.stringify(join(LAB, "lab/domain.ts"))};\n`);
  await Bun.write(join(folder, "long.saga.yaml"), LONG);
  lab = await testEngine("embedded", { domains: folder });
}, 120_000);
afterEach(calm);
afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test("a handler may compute for longer than two minutes when its step's timeout allows it", async () => {
  behave("one", "*", async (context) => {
    // The first call is set aside as slow; every call takes 125 s without a statement.
    await Promise.race([Bun.sleep(125_000), new Promise((resolve) => context.signal.addEventListener("abort", resolve))]);
    return undefined;
  });
  const { sagaId } = await client.start("long", { note: "a" });
  await eventually("the saga ends", async () => (await client.saga(sagaId)).status !== "running", 140_000).catch(() => undefined);
  expect({ status: (await client.saga(sagaId)).status, calls: calls.length }).toEqual({ status: "completed", calls: 2 });
}, 200_000);
