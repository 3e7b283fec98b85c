import { afterAll, beforeAll, expect, test } from "bun:test";
import { batchTurns } from "../../engine/transport/turns.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { writeRequest } from "../support/kafka.ts";

const HEARD = `saga: heard
version: 1
input:
  note: string
start:
  topic: orders.placed
  input: { note: "\${ event.note }" }
steps:
  - step: only
    command: lab.one
    with: \${ input }
    compensate: lab.undo
`;

let domains: EditableDomains | undefined;
let engine: TestEngine | undefined;

beforeAll(async () => {
  domains = await editableLab();
  await domains.write("heard", HEARD);
  engine = await testEngine("embedded", { domains: domains.path });
}, 60_000);
afterAll(async () => {
  await engine?.close();
  await domains?.remove();
}, 30_000);

test("a start by a message has the turn of its batch: it does not wait for another one, which batches like it may hold", async () => {
  const { sql } = engine as TestEngine;
  const next = batchTurns.next;
  let waited = 0;
  batchTurns.next = () => {
    waited += 1;
    return next.call(batchTurns);
  };
  try {
    const [row] = await sql<{ id: string }[]>`select timeline.new_ulid() as id`;
    const { id } = row as { id: string };
    await eventually("there is the topic", async () => {
      const rows = await sql`select name from timeline.topic where name = 'orders.placed'`;
      return rows.length === 1;
    });
    const body = { note: "in turn" };
    await writeRequest(sql, {
      key: id,
      topic: "orders.placed",
      type: "order.placed",
      body,
      columns: { message_id: id },
    });
    await eventually("its saga is started", async () => {
      const rows = await sql`select id from timeline.saga where definition = 'heard'`;
      return rows.length === 1;
    });
  } finally {
    Reflect.deleteProperty(batchTurns, "next");
  }
  expect(waited).toBe(0);
}, 60_000);
