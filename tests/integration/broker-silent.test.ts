import { afterAll, beforeAll, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";

const timeoutMs = 120_000;

interface Part {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
}

let t: TestEngine;
let client: Client;

beforeAll(async () => {
  t = await testEngine("kafka");
  client = new Client(() => t.url);
}, timeoutMs);

afterAll(() => t?.close(), timeoutMs);

test(
  "while the broker does not answer, /health/ready names it, and still says how connector and slot are",
  async () => {
    const { kafka } = await testStack();
    kafka.kill("SIGSTOP");
    let parts: readonly Part[];
    try {
      parts = ((await client.call("GET", "/health/ready")).json as { parts: readonly Part[] }).parts;
    } finally {
      kafka.kill("SIGCONT");
    }
    expect(parts.find(({ part }) => part === "kafka")).toMatchObject({
      ok: false,
      detail: expect.stringContaining("no answer in"),
    });
    expect(parts.map(({ part }) => part)).toEqual(expect.arrayContaining(["database", "connector", "slot"]));
    await eventually("it is ready", async () => (await client.call("GET", "/health/ready")).status === 200, 60_000);
  },
  timeoutMs,
);
