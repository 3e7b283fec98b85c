import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { holdTurns } from "../support/held-turns.ts";

const STARTS = 5;

let engine: TestEngine | undefined;

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
afterAll(async () => engine?.close(), 30_000);

test("starts wait for a turn of the process, and those that came meanwhile share a transaction", async () => {
  const { sql, url } = engine as TestEngine;
  const client = new Client(() => url);
  const release = holdTurns();
  let started: Promise<readonly { readonly sagaId: string }[]>;
  try {
    started = Promise.all(Array.from({ length: STARTS }, (_, at) => client.start("three", { note: `turn ${at}` })));
    await eventually("all of them wait", async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return new RegExp(`^ekiden_starts_waiting(\\{[^}]*\\})? ${STARTS}$`, "m").test(metrics);
    });
  } finally {
    release();
  }
  const ids = (await started).map(({ sagaId }) => sagaId);
  const transactions = await sql`
    select distinct xid from timeline.event_request
    where message_type = 'saga.started' and correlation_id = any (${ids})
  `;
  expect(transactions).toHaveLength(1);
}, 60_000);
