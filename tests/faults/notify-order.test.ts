import { afterAll, afterEach, beforeAll, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

const FIRST = `saga: told_first
version: 1
input:
  note: string
steps:
  - notify: lab.tell
    with: \${ input }
    retry: { attempts: forever, backoff: 1m, factor: 1 }
  - step: then
    command: lab.one
    with: \${ input }
    compensate: lab.undo
`;
let lab: TestEngine;
let folder: string;
const client = new Client(() => lab.url);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ekiden-notify-"));
  await mkdir(join(folder, "lab"));
  await symlink(join(LAB, "lab/sql"), join(folder, "lab/sql"), "dir");
  await Bun.write(
    join(folder, "lab/domain.ts"),
    `export { default } from ${JSON.stringify(join(LAB, "lab/domain.ts"))};\n`,
  );
  await Bun.write(join(folder, "told-first.saga.yaml"), FIRST);
  lab = await testEngine("embedded", { domains: folder });
}, 120_000);
afterEach(calm);
afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test("a saga does not wait for its own notification", async () => {
  behave("tell", "*", () => {
    throw new Error("deaf");
  });
  const { sagaId } = await client.start("told_first", { note: "a" });
  await eventually("the saga completes", async () => (await client.saga(sagaId)).status === "completed", 10_000);
}, 60_000);
