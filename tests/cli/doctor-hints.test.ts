import { expect, test } from "bun:test";

import { apiDatabase } from "../api/api-database.ts";
import { ekiden } from "./run-cli.ts";

test("a part that is ready and says what to do all the same is to be looked at, as a group that does not move", async () => {
  const detail = "1 requests late; group lab does not move";
  const parts = [{ part: "auditor", ok: true, detail, hint: "Is a process with this domain running?" }];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      Response.json(url.endsWith("/health/ready") ? { ready: true, parts, load: [] } : { items: [], nextCursor: null }),
  });
  try {
    const { out } = await ekiden(["doctor", "--json"], {
      EKIDEN_URL: server.url.origin,
      EKIDEN_HOME: "no-such-home",
    });
    const { findings } = JSON.parse(out) as { findings: readonly { check: string }[] };
    expect(findings.filter(({ check }) => check === "auditor")).toEqual([
      { check: "auditor", level: "warn", detail, since: null, fix: "Is a process with this domain running?" } as never,
    ]);
  } finally {
    await server.stop(true);
  }
}, 30_000);

test("a file that the running engine does not take in is red, also where nothing is wrong with it by itself", async () => {
  const message = "version 1 is older than the current version 3";
  const fault = { severity: "error", code: "definition.version", message, line: 1, column: 1, hint: "Raise it." };
  const list = { items: [], nextCursor: null, broken: [{ file: "domains/a.saga.yaml", diagnostics: [fault] }] };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      if (url.endsWith("/health/ready")) return Response.json({ ready: true, parts: [], load: [] });
      return Response.json(url.includes("/v1/definitions") ? list : { items: [], nextCursor: null });
    },
  });
  try {
    const { out, code } = await ekiden(["doctor", "--json"], {
      EKIDEN_URL: server.url.origin,
      EKIDEN_HOME: "no-such-home",
    });
    const { findings } = JSON.parse(out) as { findings: readonly { check: string }[] };
    expect(findings.filter(({ check }) => check === "definitions")).toEqual([
      { check: "definitions", level: "ok", detail: "1 definitions, 5 domains", since: null, fix: null } as never,
      {
        check: "definitions",
        level: "red",
        detail: `the engine does not use domains/a.saga.yaml:1:1 ${message}`,
        since: null,
        fix: "Raise it.",
      } as never,
    ]);
    expect(code).toBe(1);
  } finally {
    await server.stop(true);
  }
}, 30_000);

test("a variable that nothing reads is to be looked at, with the one that was meant; it makes nothing red", async () => {
  const { out } = await ekiden(["doctor", "--json"], {
    EKIDEN_PROT: "9000",
    EKIDEN_URL: "http://127.0.0.1:1",
    EKIDEN_HOME: "no-such-home",
  });
  const { healthy, findings } = JSON.parse(out) as { healthy: boolean; findings: readonly { check: string }[] };
  expect(healthy).toBe(true);
  expect(findings.filter(({ check }) => check === "configuration")).toEqual([
    {
      check: "configuration",
      level: "warn",
      detail: "EKIDEN_PROT is set and has no effect: this version knows no such variable",
      since: null,
      fix: "Did you mean PORT?",
    } as never,
  ]);
}, 30_000);

test("a folder of definitions that cannot be read takes no check of the database away", async () => {
  const database = await apiDatabase();
  try {
    const { out } = await ekiden(["doctor", "--json"], {
      DATABASE_URL: database.url,
      EKIDEN_DOMAINS: "no-such-folder",
      EKIDEN_URL: "http://127.0.0.1:1",
      EKIDEN_HOME: "no-such-home",
    });
    const { findings } = JSON.parse(out) as { findings: readonly { check: string; level: string }[] };
    const red = findings.filter(({ level }) => level === "red").map(({ check }) => check);
    expect(red).toEqual(["definitions"]);
    expect(findings.map(({ check }) => check)).toContain("partitions");
  } finally {
    await database.end();
  }
}, 60_000);
