import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "../../engine/timeline/database.ts";
import { removeExpired } from "../../engine/timeline/idempotency.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

let lab: TestEngine;

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);

afterAll(async () => lab?.close(), 60_000);

test("Idempotency-Keys that nobody remembers any more leave the table, those that are remembered stay", async () => {
  await lab.stop();
  await lab.sql`
    insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
    select 'old ' || n, 'start', '', '', clock_timestamp() - interval '1 minute' from generate_series(1, 2500) n
    union all
    select 'new', 'start', '', '', clock_timestamp() + interval '1 minute'
  `;
  await lab.start();
  const left = await eventually("they are gone", async () => {
    const rows = await lab.sql<{ key: string }[]>`select idempotency_key as key from timeline.start_key`;
    return rows.length < 3 ? rows.map(({ key }) => key) : undefined;
  }).catch(() => "all are there");
  expect(left).toEqual(["new"]);
}, 60_000);

test("a look for expired keys reads none of those that are remembered", async () => {
  await lab.sql`
    insert into timeline.start_key (idempotency_key, scope, body_hash, saga_id, expires_at)
    select 'kept ' || n, 'start', '', '', clock_timestamp() + interval '1 day' from generate_series(1, 20000) n
  `;
  await lab.sql`vacuum analyze timeline.start_key`;
  const read = await lab.sql.begin(async (tx) => {
    const sofar = async () => {
      const [row] = await tx<{ read: number }[]>`
        select (seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_xact_user_tables
        where schemaname = 'timeline' and relname = 'start_key'
      `;
      return row?.read ?? 0;
    };
    const before = await sofar();
    await removeExpired(tx as unknown as Sql, 1_000);
    return (await sofar()) - before;
  });
  expect(read).toBe(0);
}, 60_000);
