import { afterAll, beforeAll, expect, test } from "bun:test";
import postgres from "postgres";

import { parseConfig } from "../../engine/config.ts";
import { type RunningEngine, startEngine } from "../../engine/main.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { ekiden } from "../cli/run-cli.ts";
import { Client } from "../support/client.ts";
import { eventually, LAB } from "../support/engine.ts";
import { type PlainLogin, plainLogin } from "../support/plain-login.ts";
import { testPostgres } from "../support/postgres.ts";
import { testStack } from "../support/stack.ts";

const timeoutMs = 120_000;

let login: PlainLogin;
let environment: Record<string, string>;
let engine: RunningEngine | undefined;
let connector: Record<string, string> = {};
let connectorUrl: string;

beforeAll(async () => {
  const stack = await testStack();
  login = await plainLogin(stack.postgres, "createrole replication");
  const prefix = `u${crypto.randomUUID().slice(0, 8)}.`;
  connectorUrl = `${stack.connectUrl}/connectors/${encodeURIComponent(`${prefix}ekiden-outbox`)}`;
  environment = {
    DATABASE_URL: login.url,
    KAFKA_BROKERS: stack.brokers,
    KAFKA_CONNECT_URL: "",
    KAFKA_PARTITIONS: "2",
    EKIDEN_PREFIX: prefix,
    EKIDEN_DOMAINS: LAB,
    EKIDEN_LOG: "json",
    PORT: "0",
  };
}, timeoutMs);

afterAll(async () => {
  await engine?.stop();
  await fetch(connectorUrl, { method: "DELETE" });
  await login?.drop();
}, timeoutMs);

const print = async (...args: readonly string[]) => {
  const { out, err, code } = await ekiden(["connector", ...args], environment);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as Record<string, string>;
};

test(
  "the printed configuration, registered by hand, carries sagas of an engine whose login is no superuser",
  async () => {
    expect(await ekiden(["connector"], environment)).toMatchObject({
      code: 1,
      err: expect.stringContaining("migrate"),
    });
    engine = await startEngine(
      parseConfig(environment),
      createLog("json", () => {}),
      () => {},
    );
    const client = new Client(() => engine?.url ?? "");
    expect((await client.call("GET", "/health/ready")).status).toBe(503);
    connector = await print("--with-password");
    const registered = await fetch(`${connectorUrl}/config`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(connector),
    });
    expect(registered.status).toBe(201);

    // Until there is a slot it is not ready: what is written before is sent by the auditor only, later.
    const ready = async () => (await client.call("GET", "/health/ready")).status === 200;
    await eventually("it is ready", ready, 60_000);
    const { sagaId } = await client.start("one_step", { note: "by hand" });
    expect((await client.settled(sagaId)).status).toBe("completed");
  },
  timeoutMs,
);

test("it names the connector's own login, and its password only when asked", async () => {
  expect(connector["database.user"]).toBe(`${login.database}__connector`);
  const shown = await print();
  expect(shown).toEqual({ ...connector, "database.password": "<password of the database user>" });
  const sql = postgres(login.url, { max: 1 });
  try {
    const sessions = await sql<{ usename: string }[]>`
      select a.usename from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid
      where s.database = current_database()
    `;
    expect(sessions.map(({ usename }) => usename)).toEqual([`${login.database}__connector`]);
  } finally {
    await sql.end({ timeout: 5 });
  }
});

test(
  "the doctor finds nothing wrong with that login, and sees that the connector is managed elsewhere",
  async () => {
    const { out } = await ekiden(["doctor", "--json"], { ...environment, EKIDEN_URL: engine?.url ?? "" });
    const { findings } = JSON.parse(out) as { findings: { check: string; level: string; detail: string }[] };
    expect(findings.filter(({ check }) => ["privileges", "connect", "slot"].includes(check))).toMatchObject([
      { check: "privileges", level: "ok" },
      { check: "connect", level: "ok", detail: expect.stringContaining("managed elsewhere") },
      { check: "slot", level: "ok" },
    ]);
  },
  timeoutMs,
);

// RDS has no attribute `replication` to give. Here its role is a stand-in that replicates nothing, so only who is made
// with which rights is tried.
test(
  "where replicating is a membership, as on RDS, the connector's login gets it from a login that may pass it on",
  async () => {
    const server = await testPostgres();
    const owner = await plainLogin(server, "createrole", ["rds_replication"]);
    try {
      const without = { DATABASE_URL: owner.url, EKIDEN_DOMAINS: LAB };
      expect((await ekiden(["migrate"], without)).code).toBe(0);
      const user = async () =>
        (JSON.parse((await ekiden(["connector"], without)).out) as Record<string, string>)["database.user"];
      expect(await user()).toBe(owner.role);

      await owner.admin((sql) => sql`grant rds_replication to ${sql(owner.role)} with admin option`);
      expect(await user()).toBe(`${owner.database}__connector`);
      const held = await owner.admin(
        (sql) => sql`
          select g.rolname as member_of, r.rolreplication, r.rolsuper from pg_auth_members m
          join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member
          where r.rolname = ${`${owner.database}__connector`}
        `,
      );
      expect([...held]).toEqual([{ member_of: "rds_replication", rolreplication: false, rolsuper: false }]);
    } finally {
      await owner.drop();
    }
  },
  timeoutMs,
);
