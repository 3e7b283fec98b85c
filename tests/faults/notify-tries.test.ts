import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NotSentError } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

interface Consumption {
  readonly message_id: string;
  readonly attempts: number;
  readonly error_flag: boolean;
  readonly error_code: string | null;
  readonly consumed: boolean;
}

let lab: TestEngine;
let folder: string;
const client = new Client(() => lab.url);

const DEFINITIONS = {
  telling: "notify: lab.tell\n    with: ${ input }\n    retry: { attempts: forever, backoff: 50ms, factor: 1 }",
  giving_up: "notify: lab.tell\n    with: ${ input }\n    retry: { attempts: 3, backoff: 50ms, factor: 1 }",
  calling: "notify: lab.call\n    with: ${ input }\n    retry: { attempts: 3, backoff: 50ms, factor: 1 }",
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ekiden-tries-"));
  await mkdir(join(folder, "lab"));
  await symlink(join(LAB, "lab/sql"), join(folder, "lab/sql"), "dir");
  const domain = JSON.stringify(join(LAB, "lab/domain.ts"));
  await Bun.write(join(folder, "lab/domain.ts"), `export { default } from ${domain};\n`);
  for (const [name, step] of Object.entries(DEFINITIONS)) {
    const source = `saga: ${name}\nversion: 1\ninput:\n  note: string\nsteps:\n  - ${step}\n`;
    await Bun.write(join(folder, `${name}.saga.yaml`), source);
  }
  lab = await testEngine("embedded", { domains: folder });
}, 120_000);
afterEach(calm);
afterAll(async () => {
  await lab?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function consumptionOf(sagaId: string): Promise<Consumption | undefined> {
  const [row] = await lab.sql<Consumption[]>`
    select message_id, attempts, error_flag, error_code, consumed_at is not null as consumed
    from timeline.event_consumption where correlation_id = ${sagaId} and consumer_group = 'lab'
  `;
  return row;
}

async function failuresOf(sagaId: string): Promise<readonly { attempt: number; code: string; message: string }[]> {
  const rows = await lab.sql<{ attempt: number; code: string; message: string }[]>`
    select f.attempt, f.code, f.message from timeline.event_consumption_failure f
    join timeline.event_request r using (message_id) where r.correlation_id = ${sagaId} order by 1
  `;
  return rows.map((row) => ({ ...row }));
}

const count = (sagaId: string) => calls.filter((call) => call.sagaId === sagaId).length;

test("a notification that keeps failing is a row that is not in error, its tries are counted, and its log line names it", async () => {
  behave("tell", "*", () => {
    throw new Error("boom");
  });
  const { sagaId } = await client.start("telling", { note: "a" });
  const row = await eventually("it has failed five times", async () => {
    const now = await consumptionOf(sagaId);
    return (now?.attempts ?? 0) >= 5 ? now : undefined;
  });
  expect(row).toMatchObject({ error_flag: false, error_code: null, consumed: false });
  const failed = { code: "exception", message: "boom" };
  // The first and each that doubles their number: one that is tried for ever must not fill the store.
  expect((await failuresOf(sagaId)).slice(0, 3)).toEqual([1, 2, 4].map((attempt) => ({ attempt, ...failed })));

  const { items } = (await client.ok("GET", `/v1/sagas/${sagaId}/timeline`)) as {
    items: { consumptions?: { attempts: number }[]; failures?: { attempt: number }[] }[];
  };
  expect(items.flatMap(({ failures = [] }) => failures).length).toBeGreaterThanOrEqual(3);
  const inError = await lab.sql`select message_id from timeline.event_consumption where error_flag`;
  expect([...inError]).toEqual([]);

  const lines = lab.log.filter((line) => line.includes("lab.tell failed and is tried again") && line.includes(sagaId));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ sagaId, messageId: row.message_id, code: "exception" });

  calm();
  const done = await eventually("it is taken at last", async () => {
    const now = await consumptionOf(sagaId);
    return now?.consumed === true ? now : undefined;
  });
  // Its very first call shared a transaction with others, which is no try of its own.
  expect(done).toMatchObject({ attempts: count(sagaId) - 1, error_flag: false, error_code: null });
}, 60_000);

test("tries go on being counted after a restart", async () => {
  behave("tell", "*", () => {
    throw new Error("boom");
  });
  const { sagaId } = await client.start("telling", { note: "a" });
  const tries = async () => (await consumptionOf(sagaId))?.attempts ?? 0;
  await eventually("it has failed three times", async () => (await tries()) >= 3);
  await lab.stop();
  const before = await tries();
  await lab.start();
  await eventually("it has failed once more", async () => (await tries()) > before);
  calm();
  const done = await eventually("it is taken at last", async () => {
    const now = await consumptionOf(sagaId);
    return now?.consumed === true ? now : undefined;
  });
  expect(done.attempts).toBeGreaterThan(before);
  const attempts = (await failuresOf(sagaId)).map(({ attempt }) => attempt);
  expect(attempts).toEqual([...new Set(attempts)]);
}, 60_000);

test.each(["giving_up", "calling"])(
  "a notification that is given up (%s) counts each try once, and is in error only then",
  async (definition) => {
    for (const action of ["tell", "call"])
      behave(action, "*", () => {
        throw new Error("boom");
      });
    const { sagaId } = await client.start(definition, { note: "a" });
    const row = await eventually("it is given up", async () => {
      const now = await consumptionOf(sagaId);
      return now?.consumed === true ? now : undefined;
    });
    expect(row).toMatchObject({ attempts: 3, error_flag: true });
    expect((await failuresOf(sagaId)).map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(count(sagaId) - row.attempts).toBe(definition === "calling" ? 0 : 1);
  },
  60_000,
);

test("a message in error that is run again is in error no more while it is tried", async () => {
  const broken = () => {
    throw new Error("boom");
  };
  behave("tell", "*", broken);
  const { sagaId } = await client.start("giving_up", { note: "a" });
  const { message_id: messageId } = await eventually("it is given up", async () => {
    const now = await consumptionOf(sagaId);
    return now?.error_flag === true ? now : undefined;
  });
  let tried = 0;
  behave("tell", "*", () => {
    tried += 1;
    if (tried < 4) broken();
    return undefined;
  });
  await client.ok("POST", `/v1/messages/${messageId}/redrive`, { reason: "mended" });
  const done = await eventually("it is taken", async () => {
    const now = await consumptionOf(sagaId);
    return now?.error_flag === false && now.consumed ? now : undefined;
  });
  expect(done.attempts).toBe(6);
}, 60_000);

test("a call that was never sent leaves nothing behind that says that it may have arrived", async () => {
  behave("call", "*", () => {
    throw new NotSentError("nobody there");
  });
  await Bun.write(
    join(folder, "calling_once.saga.yaml"),
    "saga: calling_once\nversion: 1\ninput:\n  note: string\nsteps:\n  - notify: lab.call\n    with: ${ input }\n    retry: { attempts: 1 }\n",
  );
  const { sagaId } = await eventually("the definition is there", () => client.start("calling_once", { note: "a" }));
  await eventually("it is given up", async () => (await consumptionOf(sagaId))?.error_flag === true);
  expect([...(await lab.sql`select state from timeline.step_guard where saga_id = ${sagaId}`)]).toEqual([]);
}, 60_000);

test("a notification between two tries that its group is told to pass over is done, and not sent again as missing", async () => {
  behave("tell", "*", () => {
    throw new Error("boom");
  });
  const { sagaId } = await client.start("telling", { note: "a" });
  await eventually("it has failed three times", async () => ((await consumptionOf(sagaId))?.attempts ?? 0) >= 3);
  const { partitions } = (await client.ok("GET", "/v1/consumer-groups/lab")) as {
    partitions: { topic: string; partition: number; end: number }[];
  };
  const place = partitions.find(({ topic }) => topic === "lab.tell");
  const target = { topic: "lab.tell", partition: place?.partition, offset: place?.end, skip: true };
  await client.ok("POST", "/v1/consumer-groups/lab/rewind", { ...target, reason: "nobody wants it any more" });

  expect(await consumptionOf(sagaId)).toMatchObject({
    error_flag: false,
    error_code: "message.skipped",
    consumed: true,
  });
  const missing = await client.ok("POST", "/v1/republish", { saga: sagaId, missingOnly: true, preview: true });
  expect(JSON.stringify(missing)).not.toContain("lab.tell");
}, 60_000);

test("a call in progress while its group is told to pass over it, and that succeeds all the same, has succeeded", async () => {
  let ends = false;
  behave("call", "*", async () => {
    while (!ends) await Bun.sleep(20);
    return undefined;
  });
  const { sagaId } = await client.start("calling", { note: "a" });
  await eventually("it is called", async () => count(sagaId) === 1);
  const { partitions } = (await client.ok("GET", "/v1/consumer-groups/lab")) as {
    partitions: { topic: string; partition: number; end: number }[];
  };
  const place = partitions.find(({ topic }) => topic === "lab.call");
  const target = { topic: "lab.call", partition: place?.partition, offset: place?.end, skip: true };
  const passing = client.ok("POST", "/v1/consumer-groups/lab/rewind", { ...target, reason: "it hangs" });
  await eventually("that is noted", async () => (await consumptionOf(sagaId))?.error_code === "message.skipped");
  ends = true;
  await passing;

  const done = await eventually("it is answered", async () => {
    const row = await consumptionOf(sagaId);
    return row?.error_code === null ? row : undefined;
  });
  expect(done).toMatchObject({ error_flag: false, consumed: true });
  expect(count(sagaId)).toBe(1);
  const guards = await lab.sql<{ state: string }[]>`select state from timeline.step_guard where saga_id = ${sagaId}`;
  expect(guards.map(({ state }) => state)).toEqual(["done"]);
}, 60_000);
