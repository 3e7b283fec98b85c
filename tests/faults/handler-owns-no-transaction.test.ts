import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { succeeded, type Tx } from "ekiden";
import { Client } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
let folder: string;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
  folder = await mkdtemp(join(tmpdir(), "ekiden-sql-"));
  await writeFile(join(folder, "ends.sql"), "-- tidy up\ncommit;\n");
}, 120_000);
afterEach(calm);
afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const ENDINGS: Readonly<Record<string, (tx: Tx) => Promise<unknown>>> = {
  "a commit as text": async (tx) => tx.unsafe("commit"),
  "a commit as a template": async (tx) => tx`commit`,
  "a commit behind a comment": async (tx) => tx`/* done */ COMMIT`,
  "a rollback": async (tx) => tx`rollback`,
  "a commit as one of several": async (tx) => tx.unsafe("select 1; commit"),
  "a commit of a file": async (tx) => tx.file(join(folder, "ends.sql")),
  "a savepoint of its own": async (tx) => tx.savepoint(async () => {}),
};

for (const [what, end] of Object.entries(ENDINGS)) {
  test(`${what} is refused, names the handler, and parks the saga with nothing written`, async () => {
    calls.length = 0;
    behave("two", "*", async (context, tx) => {
      await (tx as Tx)`insert into lab.effect (step_key, saga_id, action) values (${context.stepKey}, ${context.sagaId}, 'two')`;
      await end(tx as Tx);
      return succeeded({ note: "ended" });
    });
    const { sagaId } = await client.start("three", { note: what });
    const saga = await client.settled(sagaId);

    expect(saga.status).toBe("parked");
    expect(saga.error).toMatchObject({ code: "step.transaction" });
    expect(saga.error?.message).toMatch(/lab\.two .*the engine owns the transaction/);
    expect(saga.steps.find(({ path }) => path === "second")?.attempts).toBe(1);
    expect(await lab.sql`select from lab.effect where saga_id = ${sagaId} and action = 'two'`).toHaveLength(0);
  }, 60_000);
}

test("a block with begin and end, words in quotes, and a file of plain statements run", async () => {
  await writeFile(join(folder, "plain.sql"), "select 1;\nselect 'end; commit';\n");
  behave("two", "*", async (_context, tx) => {
    await (tx as Tx).unsafe("do $$ begin perform 1; end $$; select 'commit'");
    await (tx as Tx).file(join(folder, "plain.sql"));
    return undefined;
  });
  const { sagaId } = await client.start("three", { note: "block" });
  expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
}, 60_000);
