import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type postgres from "postgres";

import { exportPartition } from "../../engine/recovery/partition-export.ts";
import { connect } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

const timeoutMs = 120_000;

let engine: TestEngine;
let folder: string;
const client = new Client(() => engine.url);

beforeAll(async () => {
  engine = await testEngine("embedded");
  folder = await mkdtemp(join(tmpdir(), "ekiden-export-"));
}, timeoutMs);

afterAll(async () => {
  await engine?.close();
  await rm(folder, { recursive: true, force: true });
}, timeoutMs);

afterEach(async () => {
  await engine.sql`delete from timeline.saga_open where definition = 'old'`;
});

interface Month {
  readonly name: string;
  readonly sagaId: string;
  readonly ids: readonly string[];
}

interface Made {
  readonly rows?: number;
  readonly consumed?: boolean;
}

let months = 0;

/** A month long ago, with signals of one saga that the dispatcher has consumed. */
async function oldMonth(sql: postgres.Sql, { rows = 250, consumed = true }: Made = {}): Promise<Month> {
  months += 1;
  const at = new Date(Date.UTC(2020, months, 1));
  const next = new Date(Date.UTC(2020, months + 1, 1));
  const name = `event_request_${at.toISOString().slice(0, 7).replace("-", "")}`;
  const [bounds] = await sql<{ first: string; last: string }[]>`
    select timeline.ulid_time(${at}) as first, timeline.ulid_time(${next}) as last
  `;
  const [first, last] = [bounds?.first ?? "", bounds?.last ?? ""];
  const zeros = "0".repeat(16);
  await sql.unsafe(
    `create table timeline.${name} partition of timeline.event_request for values from ('${first}${zeros}') to ('${last}${zeros}')`,
  );
  const ids = Array.from({ length: rows }, () => `${first}${newId().slice(10)}`).sort();
  const sagaId = `${first}${newId().slice(10)}`;
  await sql.begin(async (tx) => {
    await tx`
      insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, message_body, producer)
      select id, ${sagaId}, 'timeline', ${sagaId}, 'signal.received', ${tx.json({ note: "ö \u2028" })}, 'test@host' from unnest(${ids}::text[]) id
    `;
    await tx`
      insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, consumer, consumed_at)
      select 'dispatcher', id, ${sagaId}, 'timeline', 'test', case when ${consumed}::boolean then clock_timestamp() end from unnest(${ids}::text[]) id
    `;
  });
  return { name, sagaId, ids };
}

interface Partition {
  readonly state: string;
  readonly openSagas: number;
  readonly delivered: boolean;
  readonly exported: { readonly rows: number; readonly sha256: string } | null;
  readonly obstacles: readonly string[];
}

async function partition(name: string, of = client): Promise<Partition> {
  return of.ok("GET", `/v1/partitions/${name}`);
}

/** Exported as a program would do it. */
async function exported(name: string): Promise<{ sha256: string; rows: number }> {
  // A row that this process did not hand over is placed a moment after its commit, and is an obstacle until then.
  await eventually("it was read into the topics", async () => (await partition(name)).delivered);
  await (await fetch(`${engine.url}/v1/partitions/${name}/export`)).text();
  const { exported: found } = await partition(name);
  if (found === null) throw new Error("it was not exported");
  return { sha256: found.sha256, rows: found.rows };
}

function drop(name: string, request: object): Promise<{ status: number; json: { code?: string; detail?: string } }> {
  return client.call("POST", `/v1/partitions/${name}/drop`, { reason: "old", ...request });
}

function cli(...args: readonly string[]) {
  return ekiden(args, { EKIDEN_URL: engine.url });
}

async function tables(name: string): Promise<number> {
  return (await engine.sql`select from pg_class where relname = ${name}`).length;
}

test(
  "a month is exported with a manifest, dropped when a person says so, and the horizon moves; a second run finds it done",
  async () => {
    const { name, ids, sagaId } = await oldMonth(engine.sql);
    await eventually("it was read into the topics", async () => (await partition(name)).delivered);
    expect(await partition(name)).toMatchObject({
      state: "closed",
      exported: null,
      obstacles: ["it has not been exported"],
    });

    const first = await cli("export", "--partition", name, "--to", folder, "--json");
    expect(first).toMatchObject({ code: 0 });
    expect((await readdir(folder)).sort()).toEqual([`${name}.jsonl.gz`, `${name}.manifest.json`]);
    const lines = gunzipSync(await Bun.file(join(folder, `${name}.jsonl.gz`)).bytes()).toString();
    const rows = lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { message_id: string; message_body: unknown });
    expect(rows.map((row) => row.message_id)).toEqual([...ids]);
    expect(rows[0]).toMatchObject({
      correlation_id: sagaId,
      message_body: { note: "ö \u2028" },
      producer: "test@host",
    });
    const manifest = await Bun.file(join(folder, `${name}.manifest.json`)).json();
    const sha256 = new Bun.CryptoHasher("sha256").update(lines).digest("hex");
    expect(manifest).toMatchObject({ partition: name, rows: ids.length, firstId: ids[0], lastId: ids.at(-1), sha256 });
    expect(await partition(name)).toMatchObject({ state: "closed", obstacles: [] });

    expect(await cli("export", "--partition", name, "--to", folder, "--drop")).toMatchObject({ code: 2 });
    expect(await tables(name)).toBe(1);
    for (const time of ["first", "second"]) {
      const dropped = await cli("export", "--partition", name, "--to", folder, "--drop", "--reason", "five years old");
      expect([time, dropped.code, dropped.out]).toEqual([time, 0, expect.stringContaining("250 requests")]);
    }
    expect(await tables(name)).toBe(0);
    expect(await partition(name)).toMatchObject({ state: "dropped", exported: { sha256 } });
    const [kept] = await engine.sql<{ horizon: string }[]>`select horizon from timeline.retention`;
    expect((kept?.horizon ?? "") > (ids.at(-1) ?? "")).toBe(true);
    const audits =
      await engine.sql`select reason, after->>'sha256' as sha256 from timeline.audit where action = 'partition.drop'`;
    expect([...audits]).toEqual([{ reason: "five years old", sha256 }]);
    expect(await cli("partitions")).toMatchObject({ code: 0, out: expect.stringContaining(name) });
  },
  timeoutMs,
);

test(
  "each thing that stands against a drop is named: an open saga, a message not consumed, a body still needed, another export",
  async () => {
    const open = await oldMonth(engine.sql, { rows: 3 });
    await engine.sql`insert into timeline.saga_open (saga_id, definition, status) values (${open.sagaId}, 'old', 'parked')`;
    const refused = await drop(open.name, await exported(open.name));
    expect(refused).toMatchObject({ status: 409, json: { code: "partition.in-use" } });
    expect(refused.json.detail).toContain(open.sagaId);
    expect(await partition(open.name)).toMatchObject({
      openSagas: 1,
      obstacles: [expect.stringContaining(open.sagaId)],
    });

    const child = await oldMonth(engine.sql, { rows: 1 });
    const parent = `${child.sagaId.slice(0, 10)}${newId().slice(10)}`;
    await engine.sql`
      insert into timeline.saga (id, definition, version, revision, status, input, parent_id, parent_path)
      values (${child.sagaId}, 'old', 1, 'x', 'completed', '{}', ${parent}, 'kid')
    `;
    await engine.sql`insert into timeline.saga_open (saga_id, definition, status) values (${parent}, 'old', 'running')`;
    expect((await drop(child.name, await exported(child.name))).json.detail).toContain(child.sagaId);

    // Else the dispatcher consumes what is to be found as not consumed.
    await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
    const waiting = await oldMonth(engine.sql, { rows: 2, consumed: false });
    const unread = await drop(waiting.name, await exported(waiting.name));
    await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
    expect(unread).toMatchObject({ status: 409, json: { code: "partition.in-use" } });
    expect(unread.json.detail).toMatch(
      /a group has not consumed a message of it: dispatcher .+ takes its body from it: dispatcher/,
    );

    const other = await oldMonth(engine.sql, { rows: 2 });
    expect(await drop(other.name, { sha256: "0".repeat(64), rows: 2 })).toMatchObject({
      status: 409,
      json: { code: "partition.not-exported" },
    });
    const mine = await exported(other.name);
    expect(await drop(other.name, { ...mine, rows: 1 })).toMatchObject({ json: { code: "partition.not-exported" } });
    await engine.sql`delete from timeline.event_request where message_id = ${other.ids[0] ?? ""}`;
    expect((await drop(other.name, mine)).json.detail).toContain("it has 1 rows, its export 2");
    expect(await drop("event_request_190001", mine)).toMatchObject({
      status: 404,
      json: { code: "partition.unknown" },
    });
    for (const month of [open, child, waiting, other]) expect(await tables(month.name)).toBe(1);
  },
  timeoutMs,
);

test(
  "a saga that began as the next month did is in the way of a month in which a process whose clock was behind wrote for it",
  async () => {
    const month = await oldMonth(engine.sql, { rows: 2 });
    const [{ end } = { end: "" }] = await engine.sql<{ end: string }[]>`
      select to_id as end from timeline.request_partitions() where name = ${month.name}
    `;
    const sagaId = `${end.slice(0, 10)}${newId().slice(10)}`;
    await engine.sql`update timeline.event_request set correlation_id = ${sagaId} where message_id = ${month.ids[1] ?? ""}`;
    await engine.sql`insert into timeline.saga_open (saga_id, definition, status) values (${sagaId}, 'old', 'running')`;

    const refused = await drop(month.name, await exported(month.name));
    expect(refused).toMatchObject({ status: 409, json: { code: "partition.in-use" } });
    expect(refused.json.detail).toContain(sagaId);
  },
  timeoutMs,
);

test(
  "the present month cannot be exported, and an export that was cut off is none",
  async () => {
    const name = `event_request_${new Date().toISOString().slice(0, 7).replace("-", "")}`;
    expect(await client.call("GET", `/v1/partitions/${name}/export`)).toMatchObject({
      status: 409,
      json: { code: "partition.open" },
    });
    const month = await oldMonth(engine.sql);
    const sql = connect(engine.engine.databaseUrl, { max: 1, name: "export" });
    try {
      const lines = await exportPartition(sql, month.name);
      expect((await lines.next()).done).toBe(false);
      await lines.return();
    } finally {
      await sql.end({ timeout: 5 });
    }
    expect(await partition(month.name)).toMatchObject({ exported: null });
  },
  timeoutMs,
);

test(
  "a drop that was cut off after any of its steps is completed by the same call",
  async () => {
    const begun = { dropping: async () => {}, detached: detach, pending: detachHalfWay, gone: dropTable };
    for (const [step, cutOff] of Object.entries(begun)) {
      const month = await oldMonth(engine.sql, { rows: 2 });
      const mine = await exported(month.name);
      await engine.sql`update timeline.request_partition set dropping_at = clock_timestamp() where name = ${month.name}`;
      await cutOff(month.name);
      expect([step, (await partition(month.name)).state]).toEqual([step, "dropping"]);
      expect([step, (await drop(month.name, mine)).status]).toEqual([step, 200]);
      expect([step, (await partition(month.name)).state, await tables(month.name)]).toEqual([step, "dropped", 0]);
    }
  },
  timeoutMs,
);

test(
  "a request that was written between export and drop brings the partition back",
  async () => {
    const month = await oldMonth(engine.sql, { rows: 2 });
    const mine = await exported(month.name);
    const [gone] = await engine.sql<{ end: string | null }[]>`
      select max(to_id) as end from timeline.request_partition where dropping_at is not null
    `;
    await engine.sql`update timeline.request_partition set dropping_at = clock_timestamp() where name = ${month.name}`;
    await engine.sql`update timeline.retention set horizon = (select to_id from timeline.request_partition where name = ${month.name})`;
    await detach(month.name);
    const late = `${month.ids[0]?.slice(0, 10)}${newId().slice(10)}`;
    await engine.sql.unsafe(
      `insert into timeline.${month.name} select '${late}', correlation_id, causation_id, topic, message_key, message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer from timeline.${month.name} limit 1`,
    );
    expect((await drop(month.name, mine)).json).toMatchObject({ code: "partition.in-use" });
    expect(await partition(month.name)).toMatchObject({ state: "closed" });
    expect((await engine.sql`select from timeline.event_request where message_id = ${late}`).length).toBe(1);
    const [kept] = await engine.sql<{ horizon: string }[]>`select horizon from timeline.retention`;
    expect(kept?.horizon).toBe(gone?.end ?? "");
  },
  timeoutMs,
);

test(
  "while one month is half detached no other is dropped, and the refusal says which is in the way",
  async () => {
    const first = await oldMonth(engine.sql, { rows: 1 });
    const second = await oldMonth(engine.sql, { rows: 1 });
    const [mine, other] = [await exported(first.name), await exported(second.name)];
    await engine.sql`update timeline.request_partition set dropping_at = clock_timestamp() where name = ${first.name}`;
    await detachHalfWay(first.name);
    const refused = await drop(second.name, other);
    expect(refused).toMatchObject({ status: 409, json: { code: "partition.in-use" } });
    expect(refused.json.detail).toContain(first.name);
    expect((await drop(first.name, mine)).status).toBe(200);
    expect((await drop(second.name, other)).status).toBe(200);
  },
  timeoutMs,
);

test(
  "a drop waits for an older transaction beyond every bound of the engine, and another is told to ask again",
  async () => {
    const first = await oldMonth(engine.sql, { rows: 1 });
    const second = await oldMonth(engine.sql, { rows: 1 });
    const [mine, other] = [await exported(first.name), await exported(second.name)];
    const reader = await engine.sql.reserve();
    try {
      await reader`begin`;
      await reader`select message_id from timeline.event_request limit 1`;
      const dropped = drop(first.name, mine);
      // Longer than a lock may be waited for elsewhere, and than a connection may be idle.
      await eventually(
        "it has waited for 35 s",
        async () => {
          const [row] = await engine.sql`
            select from pg_stat_activity where datname = current_database() and application_name = 'ekiden drop'
              and query like '%concurrently' and state = 'active' and query_start < clock_timestamp() - interval '35 s'
          `;
          return row !== undefined;
        },
        60_000,
      );
      expect(await drop(second.name, other)).toMatchObject({ status: 503, json: { code: "partition.busy" } });
      await reader`commit`;
      expect((await dropped).status).toBe(200);
    } finally {
      reader.release();
    }
    expect((await drop(second.name, other)).status).toBe(200);
  },
  timeoutMs,
);

async function detach(name: string): Promise<void> {
  await engine.sql.unsafe(`alter table timeline.event_request detach partition timeline.${name}`);
}

async function dropTable(name: string): Promise<void> {
  await detach(name);
  await engine.sql.unsafe(`drop table timeline.${name}`);
}

/** As `detach concurrently` leaves it when it is cut off while it waits for a reader. */
async function detachHalfWay(name: string): Promise<void> {
  const reader = await engine.sql.reserve();
  const cut = await engine.sql.reserve();
  try {
    await reader`begin`;
    await reader`select message_id from timeline.event_request limit 1`;
    await cut`set lock_timeout = '1s'`;
    await cut`set statement_timeout = '1s'`;
    const statement = cut.unsafe(`alter table timeline.event_request detach partition timeline.${name} concurrently`);
    expect(
      await statement.then(
        () => "done",
        () => "cut off",
      ),
    ).toBe("cut off");
    await cut`reset statement_timeout`;
    await cut`reset lock_timeout`;
    const [pending] = await engine.sql`
      select inhdetachpending from pg_inherits where inhrelid = to_regclass(${`timeline.${name}`})
    `;
    expect(pending?.inhdetachpending).toBe(true);
    await reader`commit`;
  } finally {
    reader.release();
    cut.release();
  }
}

test("on Kafka a month is not delivered before the connector's slot has passed it", async () => {
  const onKafka = await testEngine("kafka");
  const other = new Client(() => onKafka.url);
  const connector = `/connectors/${onKafka.prefix}ekiden-outbox`;
  const { testStack } = await import("../support/stack.ts");
  const { connectUrl } = await testStack();
  try {
    await fetch(`${connectUrl}${connector}/stop`, { method: "PUT" });
    await eventually("the slot is free", async () => {
      const [slot] = await onKafka.sql`select active from pg_replication_slots where database = current_database()`;
      return slot?.active === false;
    });
    const month = await oldMonth(onKafka.sql, { rows: 2 });
    const before = await partition(month.name, other);
    expect(before.delivered).toBe(false);
    expect(before.obstacles.join()).toContain("the connector's slot has not passed it");
    await fetch(`${connectUrl}${connector}/resume`, { method: "PUT" });
    await eventually("the slot passes it", async () => (await partition(month.name, other)).delivered, 60_000);
  } finally {
    await onKafka.close();
  }
}, 300_000);
