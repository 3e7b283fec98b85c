import { afterAll, beforeAll, expect, test } from "bun:test";

import { readSlot } from "../../engine/transport/kafka/slot.ts";
import { KafkaBench, until } from "../support/kafka.ts";

const timeoutMs = 120_000;

let bench: KafkaBench;

beforeAll(async () => {
  bench = await KafkaBench.start();
}, timeoutMs);

afterAll(() => bench?.stop(), timeoutMs);

test(
  "a slot that is still being made is not there yet",
  async () => {
    const open = await bench.sql.reserve();
    const making = await bench.sql.reserve();
    const seen = () => readSlot(bench.sql, "half_made");
    try {
      await open`begin`;
      await open`select pg_current_xact_id()`;
      const made = making`select pg_create_logical_replication_slot('half_made', 'pgoutput')`.execute();
      await until("it is being made", async () => (await seen()) !== undefined);
      expect(await seen()).toMatchObject({ active: false, confirmed: "" });
      await open`commit`;
      await made;
      expect((await seen())?.confirmed).not.toBe("");
    } finally {
      await open`rollback`;
      open.release();
      making.release();
      await bench.sql`select pg_drop_replication_slot('half_made')`;
    }
  },
  timeoutMs,
);
