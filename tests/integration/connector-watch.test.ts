import { afterAll, beforeAll, expect, test } from "bun:test";

import { recover } from "../../engine/recovery/recover.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { ConnectorWatch } from "../../engine/transport/kafka/connector-watch.ts";
import { readSlot } from "../../engine/transport/kafka/slot.ts";
import type { Transport } from "../../engine/transport/port.ts";
import { Collector, KafkaBench, until, writeRequest } from "../support/kafka.ts";

const timeoutMs = 120_000;

let bench: KafkaBench;
let transport: Transport;

beforeAll(async () => {
  bench = await KafkaBench.start();
}, timeoutMs);

afterAll(() => bench?.stop(), timeoutMs);

async function needIs(need: string | null): Promise<void> {
  await bench.sql`
    insert into timeline.identity (id, timeline_id, database_oid, need, need_detail)
    values (1, 1, 1, ${need}, ${need}) on conflict (id) do update set need = excluded.need, need_detail = excluded.need_detail
  `;
}

test(
  "a transport that is to leave everything untouched registers no connector",
  async () => {
    await bench.transport({ prepared: "untouched" });
    expect(await bench.connect.status()).toBeUndefined();
  },
  timeoutMs,
);

test(
  "while a recovery is needed nothing is healed",
  async () => {
    let registered = 0;
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const watch = new ConnectorWatch({
      client: bench.connect,
      sql: bench.sql,
      slot: bench.names.slot,
      connector: bench.names.connector,
      heals: true,
      log,
      missing: async () => 0,
      register: async () => {
        registered += 1;
        return true;
      },
      prepareTopics: async () => {},
    });
    await needIs("kafka.emptied");
    await watch.look();
    await needIs(null);
    // What was seen while it ended may be older.
    await watch.look();
    expect(registered).toBe(0);
    await watch.look();
    expect(registered).toBe(1);
  },
  timeoutMs,
);

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

test(
  "without Kafka Connect's address a loss that is still open does not keep recovery from going on",
  async () => {
    transport = await bench.transport();
    await transport.ensureTopics(["timeline"]);
    await bench.sql`
      insert into timeline.slot_loss (id, slot, cause) values (timeline.new_ulid(), ${bench.names.slot}, 'it was dropped')
    `;
    const elsewhere = await bench.transport({ connectUrl: null, prepared: "untouched" });
    await elsewhere.broker?.renew();
  },
  timeoutMs,
);

test(
  "recovery ends without adopting anything when a group that starts sagas could not be rewound",
  async () => {
    const collector = new Collector("start.orders", ["timeline"]);
    const consumer = await transport.subscribe(collector);
    try {
      await writeRequest(bench.sql, { key: "order" });
      await collector.has(1);
      await until("it is committed", async () =>
        (await transport.offsets("start.orders", ["timeline"])).some(({ committed }) => (committed ?? 0) > 0),
      );
      await needIs("database.restored");
      const missing = { count: async () => ({ messages: 0, complete: true }), send: async () => 0 };
      const groups = new Map([["start.orders", ["timeline"]]]);
      const recovering = recover({ sql: bench.sql as Sql, transport, groups, missing, step: () => {} }, "restored", {
        actor: "test",
      });
      const ended = recovering.catch((error: unknown) => error);
      await until("the rewind is refused", async () => {
        const rows = await bench.sql`
          update timeline.rewind_request set done_at = clock_timestamp(), problem = 'out of range'
          where done_at is null returning id
        `;
        return rows.length > 0;
      });
      expect(await ended).toMatchObject({
        code: "group.rewind-failed",
        message: "group start.orders was not rewound: out of range",
      });
      const [identity] = await bench.sql`select need from timeline.identity`;
      expect(identity).toEqual({ need: "database.restored" });
    } finally {
      await consumer.stop();
    }
  },
  timeoutMs,
);
