import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { transactionChecks } from "../../engine/recovery/doctor/database-checks.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB, type TestEngine, testEngine } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";
import { tempHome } from "../support/temp-home.ts";

const timeoutMs = 120_000;
const NOBODY = "http://127.0.0.1:1";

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly since: string | null;
  readonly fix: string | null;
}

let t: TestEngine;
let kafka: Record<string, string>;

beforeAll(async () => {
  t = await testEngine("kafka");
  const { brokers, connectUrl } = await testStack();
  const database = t.engine.databaseUrl;
  kafka = {
    DATABASE_URL: database,
    KAFKA_BROKERS: brokers,
    KAFKA_CONNECT_URL: connectUrl,
    KAFKA_PARTITIONS: "3",
    EKIDEN_PREFIX: t.prefix,
    EKIDEN_DOMAINS: LAB,
    EKIDEN_HOME: "no-such-home",
  };
  await eventually("a heartbeat", async () => {
    const rows = await t.sql`select beat_id from timeline.heartbeat_trip where returned_at is not null`;
    return rows.length > 0;
  });
}, timeoutMs);

afterAll(() => t?.close(), timeoutMs);

async function doctor(environment: Readonly<Record<string, string>>): Promise<{ code: number; findings: Finding[] }> {
  const { code, out, err } = await ekiden(["doctor", "--json"], { EKIDEN_URL: NOBODY, ...environment });
  if (out === "") throw new Error(err);
  const { healthy, findings } = JSON.parse(out) as { healthy: boolean; findings: Finding[] };
  expect(healthy).toBe(code === 0);
  return { code, findings };
}

const of = (findings: readonly Finding[], check: string) => findings.filter((one) => one.check === check);

test(
  "where all is well it says so of every part and ends with 0, as a table too; that the login is a superuser is all it has to say",
  async () => {
    const { code, findings } = await doctor({ ...kafka, EKIDEN_URL: t.url });
    expect(findings.filter(({ level }) => level !== "ok")).toEqual([
      {
        check: "privileges",
        level: "warn",
        detail: "the login is a superuser, which the engine need not be",
        since: null,
        fix: expect.stringContaining("docs/SECURITY.md"),
      },
    ]);
    expect(code).toBe(0);
    const parts = ["configuration", "definitions", "postgresql", "migrations", "transactions", "locks", "kafka"];
    const more = [
      "topics",
      "connect",
      "connector",
      "slot",
      "partitions",
      "heartbeat",
      "sagas",
      "messages",
      "groups",
      "engine",
      "consumer dispatcher",
      "auditor",
      "lag",
    ];
    for (const check of [...parts, ...more]) expect(of(findings, check)).toHaveLength(1);

    // The same from inside of the engine, for the console.
    const told = (await new Client(() => t.url).ok("GET", "/v1/doctor")) as { healthy: boolean; findings: Finding[] };
    expect(told.findings.filter(({ level }) => level !== "ok")).toEqual(findings.filter(({ level }) => level !== "ok"));
    const checks = (of: readonly Finding[]) => of.map(({ check }) => check).toSorted();
    expect(checks(told.findings)).toEqual(checks(findings));

    const { out } = await ekiden(["doctor"], { ...kafka, EKIDEN_URL: t.url });
    expect(out).toContain("0 red, 1 to look at. What to do:\nwarn privileges: `create role ekiden login");
    expect(out).toMatch(/^ok +slot +\S+ active/m);
  },
  timeoutMs,
);

test(
  "a connector that is gone, and a topic that is missing, are red without an engine, each with what to do",
  async () => {
    const connectUrl = kafka["KAFKA_CONNECT_URL"] ?? "";
    await t.stop();
    try {
      await fetch(`${connectUrl}/connectors/${encodeURIComponent(`${t.prefix}ekiden-outbox`)}`, { method: "DELETE" });
      await t.sql`insert into timeline.topic (name) values ('no.such') on conflict do nothing`;
      const { code, findings } = await doctor(kafka);
      expect(code).toBe(1);
      expect(of(findings, "connector")).toMatchObject([{ level: "red", detail: "not registered" }]);
      expect(of(findings, "topics")).toMatchObject([
        { level: "red", detail: "topic no.such does not exist: the connector stops at the first message to it" },
      ]);
      expect(of(findings, "engine")).toMatchObject([{ level: "warn", fix: "bun run engine" }]);
    } finally {
      await t.sql`delete from timeline.topic where name = 'no.such'`;
      await t.start();
    }
    await eventually(
      "the connector is registered again and runs",
      async () => (await doctor({ ...kafka, EKIDEN_URL: t.url })).code === 0,
    );
  },
  timeoutMs,
);

test(
  "what waits for a person is named with since when and by whom: a paused group, a transaction that holds others up",
  async () => {
    const client = new Client(() => t.url);
    const { sagaId } = await client.start("waiting", { note: "parked", patience: "long" });
    // From here on the engine has nothing to write for it that would say otherwise.
    await eventually("it waits", async () => ((await client.saga(sagaId)).waitingFor?.length ?? 0) > 0);
    await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "points table broken" });
    await t.sql`update timeline.saga_open set status = 'parked' where saga_id = ${sagaId}`;
    await t.sql`
      insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, error_flag, error_code)
      values ('lab', timeline.new_ulid(), 'lab.one', 'somebody', true, 'step.failed')
    `;
    const writing = await t.sql.reserve();
    await writing`begin`;
    await writing`insert into timeline.audit (id, actor, action, target) values (timeline.new_ulid(), 'x', 'x', 'x')`;
    try {
      const { code, findings } = await doctor({ ...kafka, EKIDEN_URL: t.url });
      expect(of(findings, "groups")).toEqual([
        {
          check: "groups",
          level: "warn",
          detail: "group lab was paused by local: points table broken",
          since: expect.any(String),
          fix: `bun run ekiden resume lab --reason "…"`,
        },
      ]);
      expect(of(findings, "messages")).toMatchObject([{ level: "warn", detail: "1 consumption is in error" }]);
      expect(of(findings, "sagas")).toMatchObject([{ level: "warn", detail: "1 saga is parked" }]);
      // Of a few seconds: none of the doctor's business yet.
      expect(of(findings, "transactions")).toMatchObject([{ level: "ok" }]);
      expect(findings.filter(({ level }) => level === "red")).toEqual([]);
      expect(code).toBe(0);
      expect(await transactionChecks(t.sql as Sql, 0)).toMatchObject([
        {
          level: "warn",
          since: expect.any(String),
          fix: expect.stringMatching(/^select pg_terminate_backend\(\d+\);$/),
        },
      ]);
    } finally {
      await writing`rollback`;
      writing.release();
      await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "mended" });
    }
  },
  timeoutMs,
);

test("a configuration that cannot be read is red, and nothing else is looked at", async () => {
  const { code, findings } = await doctor({ PORT: "port", KAFKA_CONNECT_URL: "http://connect:8083" });
  expect(code).toBe(1);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ check: "configuration", level: "red" });
  expect(findings[0]?.detail).toContain("PORT must be a port");
});

test(
  "a database, brokers and Kafka Connect that do not answer are red, and a broken definition is named with its place",
  async () => {
    const home = await tempHome();
    try {
      const domains = join(home.path, "domains");
      await mkdir(domains);
      await Bun.write(
        join(domains, "wrong.saga.yaml"),
        "saga: wrong\nversion: 1\nsteps:\n  - step: one\n    command: lab.nothing\n",
      );
      const { code, findings } = await doctor({
        DATABASE_URL: "postgres://ekiden:secret@127.0.0.1:1/orders",
        KAFKA_BROKERS: "127.0.0.1:1",
        KAFKA_CONNECT_URL: NOBODY,
        EKIDEN_DOMAINS: domains,
      });
      expect(code).toBe(1);
      for (const check of ["postgresql", "kafka", "connect", "definitions"]) {
        expect(of(findings, check)).toMatchObject([{ level: "red", fix: expect.any(String) }]);
      }
      expect(of(findings, "definitions")[0]?.detail).toContain("wrong.saga.yaml:5:");
      expect(JSON.stringify(findings)).not.toContain("secret");
    } finally {
      await home.remove();
    }
  },
  timeoutMs,
);
