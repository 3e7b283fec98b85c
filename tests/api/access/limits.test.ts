import { expect, test } from "bun:test";

import { RateLimit } from "../../../engine/api/rate-limit.ts";
import { createApi } from "../../../engine/api/server.ts";
import type { Sql } from "../../../engine/timeline/database.ts";
import { keptLog, readingEngine } from "../reading-engine.ts";
import { AccessBench } from "./access-bench.ts";

test("a caller may send a burst of twice its rate, then its rate; others are not held up by it", () => {
  let now = 0;
  const limit = new RateLimit(10, () => now);
  const admitted = (caller: string, times: number) =>
    Array.from({ length: times }, () => {
      try {
        limit.admit(caller);
        return 1;
      } catch {
        return 0;
      }
    }).reduce<number>((sum, one) => sum + one, 0);
  expect(admitted("ann", 25)).toBe(20);
  expect(admitted("bob", 5)).toBe(5);
  now = 1_000;
  expect(admitted("ann", 25)).toBe(10);
  now = 60_000;
  expect(admitted("ann", 25)).toBe(20);
});

test("more than that is answered 429 with Retry-After", async () => {
  const bench = await AccessBench.open({}, { ratePerSecond: 1 });
  try {
    const key = await bench.key({ name: "ann", role: "admin" });
    const statuses = [];
    for (let at = 0; at < 4; at += 1) statuses.push((await bench.call(key, "GET", "/v1/keys")).code ?? "ok");
    expect(statuses).toContain("request.rate-limited");
    const response = await bench.app.request("/v1/keys", { headers: { authorization: `Bearer ${key}` } });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
  } finally {
    await bench.end();
  }
});

test("calls without a good key are counted by address, and hold up nobody who has one", async () => {
  const bench = await AccessBench.open({}, { ratePerSecond: 1 });
  try {
    const key = await bench.key({ name: "ann", role: "admin" });
    const from = async (address: string, authorization?: string) => {
      const request = new Request(
        "http://localhost/v1/keys",
        authorization === undefined ? {} : { headers: { authorization } },
      );
      const server = { timeout() {}, requestIP: () => ({ address }) };
      return (await bench.app.fetch(request, { server })).status;
    };
    const tried = [];
    for (let at = 0; at < 4; at += 1) tried.push(await from("10.0.0.7", at % 2 === 0 ? undefined : "Bearer wrong"));
    expect([tried[0], tried.at(-1)]).toEqual([401, 429]);
    expect(await from("10.0.0.8")).toBe(401);
    expect(await from("10.0.0.7", `Bearer ${key}`)).toBe(200);
  } finally {
    await bench.end();
  }
});

test("with EKIDEN_HOSTS only these names and this machine's own are served", async () => {
  const parts = { engine: readingEngine(), sql: {} as Sql, log: keptLog() };
  const statusOf = async (host: string, bound: string, hosts: readonly string[]) =>
    (await createApi({ ...parts, host: bound, hosts }).request("/health/live", { headers: { host } })).status;
  expect(await statusOf("ekiden.example", "127.0.0.1", [])).toBe(403);
  expect(await statusOf("Ekiden.example:443", "127.0.0.1", ["ekiden.example"])).toBe(200);
  expect(await statusOf("evil.example", "10.0.0.1", ["ekiden.example"])).toBe(403);
  expect(await statusOf("localhost:8080", "10.0.0.1", ["ekiden.example"])).toBe(200);
  expect(await statusOf("anything.example", "10.0.0.1", [])).toBe(200);
});
