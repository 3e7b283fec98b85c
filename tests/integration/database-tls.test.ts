import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, chown, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";

import { parseConfig } from "../../engine/config.ts";
import { startEngine } from "../../engine/main.ts";
import { type RunningPostgres, startEmbeddedPostgres } from "../../engine/stack/embedded-postgres.ts";
import { createLog } from "../../engine/telemetry/log.ts";
import { connect } from "../../engine/timeline/database.ts";
import { Client } from "../support/client.ts";
import { LAB } from "../support/engine.ts";
import { type SelfMadeAuthority, selfMadeAuthority } from "../support/self-made-authority.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** Everybody but the program that started the server must encrypt. */
const HBA = `hostnossl all postgres 127.0.0.1/32 scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
`;

const UNTRUSTED = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

let home: TempHome;
let server: RunningPostgres;
let files: SelfMadeAuthority;
let superuser: postgres.Sql;

beforeAll(async () => {
  home = await tempHome();
  [server, files] = await Promise.all([
    startEmbeddedPostgres({ home: home.path }),
    selfMadeAuthority(home.path, "IP:127.0.0.1"),
  ]);
  superuser = postgres(server.url, { max: 1, onnotice: () => {} });
  await demandTls();
  // No superuser: it may make roles, and owns a database.
  await superuser`create role tls_engine login createrole password 'engine'`;
  await superuser`create database tls_engine owner tls_engine`;
}, 60_000);

afterAll(async () => {
  await superuser?.end({ timeout: 5 });
  await server?.stop();
  await home?.remove();
}, 60_000);

async function demandTls(): Promise<void> {
  const [row] = await superuser<{ data_directory: string }[]>`show data_directory`;
  const data = row?.data_directory ?? "";
  const { uid, gid } = await stat(data);
  for (const [name, from] of [
    ["server.crt", files.cert],
    ["server.key", files.key],
  ] as const) {
    const path = join(data, name);
    await writeFile(path, await Bun.file(from).text());
    await chmod(path, 0o600);
    await chown(path, uid, gid);
  }
  await writeFile(join(data, "pg_hba.conf"), HBA);
  await superuser`alter system set ssl = on`;
  await superuser`select pg_reload_conf()`;
}

/** The address of the engine's database, with parameters that say how to encrypt. */
function address(parameters: string, host = "127.0.0.1"): string {
  return `postgres://tls_engine:engine@${host}:${server.port}/tls_engine${parameters}`;
}

/** Whether the session is encrypted, or why there is none. */
async function sessionAt(url: string): Promise<unknown> {
  const sql = connect(url, { max: 1, name: "tls" });
  try {
    const [row] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    return row?.["ssl"];
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

test("verify-full takes a server that the named authority vouches for under this very name, and no other", async () => {
  expect(await sessionAt(address(`?sslmode=verify-full&sslrootcert=${files.ca}`))).toBe(true);
  expect(await sessionAt(address(`?sslrootcert=${files.ca}`))).toBe(true);
  expect(await sessionAt(address("?sslmode=require"))).toBe(true);
  expect(await sessionAt(address(`?sslmode=verify-ca&sslrootcert=${files.ca}`, "localhost"))).toBe(true);
  expect(await sessionAt(address(`?sslmode=verify-full&sslrootcert=${files.ca}`, "localhost"))).toBe(
    "ERR_TLS_CERT_ALTNAME_INVALID",
  );
  expect(await sessionAt(address(`?sslmode=verify-full&sslrootcert=${files.stranger}`))).toBe(UNTRUSTED);
  expect(await sessionAt(address(`?sslmode=require&sslrootcert=${files.stranger}`))).toBe(UNTRUSTED);
  expect(await sessionAt(address("?sslmode=verify-full"))).toBe(UNTRUSTED);
  expect(await sessionAt(address("?sslmode=disable"))).toBe("28000");
  expect(() => connect(address("?sslmode=verify-full&sslrootcert=/nowhere"), { max: 1, name: "tls" })).toThrow(
    "sslrootcert cannot be read",
  );
  expect(() => connect(address("?sslmode=verified"), { max: 1, name: "tls" })).toThrow("sslmode=verified is unknown");
}, 30_000);

test("an engine that is no superuser runs sagas on a server that demands TLS, its domains' roles too", async () => {
  const url = address(`?sslmode=verify-full&sslrootcert=${files.ca}`);
  const config = parseConfig({ DATABASE_URL: url, EKIDEN_DOMAINS: LAB, PORT: "0" });
  const engine = await startEngine(
    config,
    createLog("json", () => {}),
    () => {},
  );
  try {
    const client = new Client(() => engine.url as string);
    expect(await client.start("three", { note: "encrypted" }, "?wait=20s")).toMatchObject({ status: "completed" });
    const sessions = await superuser<{ role: string; plain: number; superusers: number }[]>`
      select a.usename as role, count(*) filter (where not s.ssl)::integer as plain,
        count(*) filter (where r.rolsuper or r.rolreplication or r.rolbypassrls)::integer as superusers
      from pg_stat_activity a join pg_stat_ssl s using (pid) join pg_roles r on r.rolname = a.usename
      where a.datname = 'tls_engine' group by a.usename order by a.usename
    `;
    expect([...sessions]).toEqual([
      { role: "tls_engine", plain: 0, superusers: 0 },
      { role: "tls_engine_lab", plain: 0, superusers: 0 },
    ]);
  } finally {
    await engine.stop();
  }
}, 60_000);
