import { afterAll, beforeAll, expect, test } from "bun:test";

import { parseConfig } from "../../../engine/config.ts";
import { startEngine } from "../../../engine/main.ts";
import { createLog } from "../../../engine/telemetry/log.ts";
import { ekiden } from "../../cli/run-cli.ts";
import { LAB } from "../../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../../support/postgres.ts";

let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
}, 60_000);
afterAll(() => database?.drop());

async function start(args: readonly string[] = []) {
  const environment = { DATABASE_URL: database.url, EKIDEN_DOMAINS: LAB, HOST: "0.0.0.0", PORT: "0" };
  return startEngine(
    parseConfig(environment, args),
    createLog("json", () => {}),
    () => {},
  );
}

async function statusOf(url: string | null, headers: Record<string, string> = {}): Promise<number> {
  return (await fetch(`${url}/v1/sagas`, { headers })).status;
}

test("an address that others reach is refused until callers must say who they are, unless --insecure is spelled out", async () => {
  await expect(start()).rejects.toMatchObject({ code: "api.open-bind" });
  const open = await start(["--insecure"]);
  expect(await statusOf(open.url)).toBe(200);
  await open.stop();

  const made = await ekiden(["keys", "create", "ann", "--role", "admin", "--database", "--reason", "first", "--json"], {
    DATABASE_URL: database.url,
  });
  expect([made.code, made.err]).toEqual([0, ""]);
  const { key } = JSON.parse(made.out) as { key: string };

  const closed = await start();
  try {
    expect(await statusOf(closed.url)).toBe(401);
    expect(await statusOf(closed.url, { authorization: `Bearer ${key}` })).toBe(200);
    const access = { EKIDEN_URL: closed.url as string, EKIDEN_API_KEY: key };
    const more = await ekiden(
      [
        "keys",
        "create",
        "bob",
        "--role",
        "viewer",
        "--definitions",
        "three,waiting",
        "--expires",
        "90d",
        "--reason",
        "reads",
      ],
      access,
    );
    expect([more.code, more.err]).toEqual([0, ""]);
    expect(more.out).toMatch(/definitions {2}three, waiting\n[\s\S]*key {10}ekiden_/);
    expect((await ekiden(["keys", "revoke", "bob", "--reason", "left"], access)).out).toStartWith(
      "bob is revoked since",
    );
    expect((await ekiden(["audit", "--verify"], access)).out).toMatch(
      /^3 actions are as they were written\.\nhead {2}3:/,
    );
    const listed = await ekiden(["keys", "list"], access);
    expect(listed.out).toMatch(/ann +admin +all +no +good until[^\n]*\nbob +viewer +three,waiting +no +revoked/);
    const viewer = JSON.parse(
      (await ekiden(["keys", "create", "eve", "--role", "viewer", "--reason", "x", "--json"], access)).out,
    ) as { key: string };
    const refused = await ekiden(["pause", "dispatcher", "--reason", "x"], { ...access, EKIDEN_API_KEY: viewer.key });
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("key:eve is a viewer's, and this takes an operator"),
    ]);
    expect((await ekiden(["list"], { ...access, EKIDEN_API_KEY: "" })).err).toContain("set EKIDEN_API_KEY");
    const told = await ekiden(["doctor"], { ...access, EKIDEN_API_KEY: "", DATABASE_URL: database.url });
    expect(told.out).toContain("ready; it asks who calls");
  } finally {
    await closed.stop();
  }
}, 60_000);
