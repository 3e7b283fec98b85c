import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rejected } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

const FOREVER = `saga: telling
version: 1
input:
  note: string
steps:
  - notify: lab.tell
    with: \${ input }
    retry: { attempts: forever, backoff: 30s, factor: 1 }
`;
const OUTSIDE = `saga: calling
version: 1
input:
  note: string
steps:
  - notify: lab.call
    with: \${ input }
    retry: { attempts: 3, backoff: 50ms, factor: 1 }
`;
const REFUSED = `saga: asking
version: 1
input:
  note: string
steps:
  - notify: lab.ACTION
    with: \${ input }
    retry: { attempts: 3, backoff: 50ms, factor: 1, jitter: 0.5, also: [busy] }
`;
let lab: TestEngine;
let folder: string;
const client = new Client(() => lab.url);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ekiden-notify-"));
  // The lab's own handlers, in a folder with other definitions.
  await mkdir(join(folder, "lab"));
  await symlink(join(LAB, "lab/sql"), join(folder, "lab/sql"), "dir");
  await Bun.write(
    join(folder, "lab/domain.ts"),
    `export { default } from ${JSON.stringify(join(LAB, "lab/domain.ts"))};\n`,
  );
  await Bun.write(join(folder, "telling.saga.yaml"), FOREVER);
  await Bun.write(join(folder, "calling.saga.yaml"), OUTSIDE);
  for (const action of ["tell", "call"]) {
    const source = REFUSED.replace("asking", `asking_${action}`).replace("ACTION", action);
    await Bun.write(join(folder, `asking_${action}.saga.yaml`), source);
  }
  await Bun.write(join(folder, "three.saga.yaml"), await Bun.file(join(LAB, "three.saga.yaml")).text());
  lab = await testEngine("embedded", { domains: folder });
}, 120_000);
afterEach(calm);
afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test("an external notification that throws is retried as its policy says", async () => {
  behave("call", "*", () => {
    throw new Error("connection reset");
  });
  const { sagaId } = await client.start("calling", { note: "a" });
  await eventually("three attempts", async () => calls.filter((call) => call.sagaId === sagaId).length === 3, 6_000);
}, 60_000);

test.each(["tell", "call"])(
  "a notification by lab.%s that is refused is tried again where `also` names the code",
  async (action) => {
    behave(action, "*", (_context, _tx, { note }) => rejected(note, "no"));
    const count = (sagaId: string) => calls.filter((call) => call.sagaId === sagaId).length;
    const errors = async (sagaId: string) => [
      ...(await lab.sql`
      select error_code, error_flag from timeline.event_consumption
      where correlation_id = ${sagaId} and consumer_group = 'lab' and consumed_at is not null
    `),
    ];
    const busy = (await client.start(`asking_${action}`, { note: "busy" })).sagaId;
    const closed = (await client.start(`asking_${action}`, { note: "closed" })).sagaId;
    await eventually(
      "both are given up",
      async () => (await errors(busy)).length + (await errors(closed)).length === 2,
    );
    expect([await errors(busy), await errors(closed)]).toEqual([
      [{ error_code: "busy", error_flag: true }],
      [{ error_code: "closed", error_flag: true }],
    ]);
    // A handler that shares a transaction is called once more alone when it did not end well there.
    expect(count(busy) - count(closed)).toBe(2);

    let asked = 0;
    behave(action, "*", () => {
      asked += 1;
      return asked < 3 ? rejected("busy", "no") : undefined;
    });
    const taken = (await client.start(`asking_${action}`, { note: "busy" })).sagaId;
    await eventually("it is taken at last", async () => (await errors(taken)).length === 1);
    expect(await errors(taken)).toEqual([{ error_code: null, error_flag: false }]);
  },
  60_000,
);

test("notifications that wait for their next attempt hold up no other saga", async () => {
  behave("tell", "*", () => {
    throw new Error("not yet");
  });
  const telling: string[] = [];
  for (let index = 0; index < 24; index += 1)
    telling.push((await client.start("telling", { note: `n${index}` })).sagaId);
  await eventually("all have failed once", async () => telling.every((id) => calls.some((call) => call.sagaId === id)));
  behave("two", "*", () => rejected("no", "no"));
  const { sagaId } = await client.start("three", { note: "other" });
  await eventually("the other saga ends", async () => (await client.saga(sagaId)).status === "failed", 10_000);
}, 60_000);

test("more notifications than a group takes in at once wait for their next attempt, and other sagas go on", async () => {
  behave("tell", "*", () => {
    throw new Error("not yet");
  });
  const telling = new Set<string>();
  for (let round = 0; round < 22; round += 1) {
    const started = Array.from({ length: 100 }, (_, n) => client.start("telling", { note: `m${round}-${n}` }));
    for (const { sagaId } of await Promise.all(started)) telling.add(sagaId);
  }
  const failed = () => new Set(calls.map(({ sagaId }) => sagaId).filter((id) => telling.has(id))).size;
  // Those of the test before wait as well.
  await eventually("about as many have failed as there are places", async () => failed() >= 1_950, 30_000);
  const { sagaId } = await client.start("three", { note: "other" });
  await eventually("the other saga ends", async () => (await client.saga(sagaId)).status === "completed", 15_000);
}, 90_000);
