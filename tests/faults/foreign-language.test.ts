import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterAll(async () => lab?.close(), 60_000);

test("timeline.answer returns the id of the event that it wrote", async () => {
  const { sagaId } = await client.start("deadlines", { note: "sql" });
  const id = await eventually("the command is out", async () => {
    const [row] =
      await lab.sql`select message_id from timeline.event_request where correlation_id = ${sagaId} and topic = 'lab.elsewhere'`;
    return row?.["message_id"] as string | undefined;
  });
  const event = await lab.sql.begin(async (sql) => {
    const message = {
      topic: "lab.elsewhere",
      partition: 0,
      offset: 0,
      timestamp: Date.now(),
      key: sagaId,
      headers: { id },
    };
    const [claim] = await sql`select verdict from timeline.claim('lab', ${sql.json(message)})`;
    expect(claim?.["verdict"]).toBe("run");
    const [row] =
      await sql`select timeline.answer('lab', ${id}, 'succeeded', ${sql.json({ output: { note: "x" } })}) as id`;
    return row?.["id"] as string | null;
  });
  const [written] =
    await lab.sql`select message_id from timeline.event_request where causation_id = ${id} and message_type = 'step.succeeded'`;
  expect(event).toBe(written?.["message_id"]);
}, 60_000);
