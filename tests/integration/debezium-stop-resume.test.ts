import { afterAll, beforeAll, expect, test } from "bun:test";

import type { Transport } from "../../engine/transport/port.ts";
import { Collector, KafkaBench, until, writeRequest } from "../support/kafka.ts";

const timeoutMs = 120_000;

let bench: KafkaBench;
let transport: Transport;

beforeAll(async () => {
  bench = await KafkaBench.start();
  transport = await bench.transport();
  await transport.ensureTopics(["timeline"]);
}, timeoutMs);

afterAll(() => bench.stop(), timeoutMs);

async function slotIs(active: boolean): Promise<void> {
  await until(`the slot to be ${active ? "read" : "free"}`, async () => {
    const rows = await bench.sql<{ active: boolean }[]>`
      select active from pg_replication_slots where slot_name = ${bench.names.slot}
    `;
    return rows[0]?.active === active;
  });
}

async function beat(): Promise<string> {
  const [row] = await bench.sql<{ ts: string }[]>`select ts::text from timeline.heartbeat where id = 1`;
  return row?.ts ?? "";
}

// Debezium 3.6 loses the open transaction's rows here, with everything RUNNING and no error: the connector's stored
// offset is the commit of another transaction, and after the resume an earlier row is taken for one already sent.
test(
  "nothing is lost of a transaction that is open while the connector stops and resumes",
  async () => {
    const collector = new Collector();
    const consumer = await transport.subscribe(collector);
    const ids = new Set<string>();
    const write = async (key: string) => void ids.add(await writeRequest(bench.sql, { key }));
    await write("before");
    await collector.has(1);

    for (let round = 0; round < 3; round += 1) {
      const open = await bench.sql.reserve();
      await open`begin`;
      for (let turn = 0; turn < 10; turn += 1) ids.add(await writeRequest(open, { key: `open${round}`, body: { turn } }));
      const others = ids.size - 10;
      await write(`other${round}`);
      await until("the other transaction", () => collector.ids.size === others + 1);
      // The heartbeat's own transaction is what the stored offset ends on.
      const last = await beat();
      await until("a heartbeat", async () => (await beat()) !== last);
      await bench.connect.stop();
      await slotIs(false);
      for (let turn = 10; turn < 20; turn += 1) ids.add(await writeRequest(open, { key: `open${round}`, body: { turn } }));
      await open`commit`;
      open.release();
      await write(`late${round}`);
      await bench.connect.resume();
      await slotIs(true);
      await collector.has(ids.size);
      const turns = collector.done.filter((one) => one.key === `open${round}`).map((one) => JSON.parse(one.value ?? "").turn);
      expect([...new Set(turns)]).toEqual(Array.from({ length: 20 }, (_, turn) => turn));
    }
    expect(collector.ids).toEqual(ids);
    await consumer.stop();
  },
  timeoutMs,
);
