import postgres from "postgres";

import { newId } from "../engine/timeline/ids.ts";
import { type Run, runLoad, type StartOne } from "./load.ts";

/** What the machine allows without any engine: sagas a second in each run, and one at a time. */
export interface Floor {
  readonly name: string;
  readonly rates: readonly number[];
  readonly idle: Run;
}

interface Load {
  readonly sagas: number;
  readonly inFlight: number;
  readonly runs: number;
}

const STEPS = ["application", "screening", "contract"];
const CONNECTIONS = 20;

/**
 * Two floors, in a schema of their own that is dropped afterwards: three inserts that commit alone (not recoverable), and
 * for each step one statement with the business row, a consumption and an outbox row, the least that a saga over an
 * outbox can write.
 */
export async function measureFloors(databaseUrl: string, load: Load): Promise<readonly Floor[]> {
  const sql = postgres(databaseUrl, { max: CONNECTIONS, onnotice: () => {} });
  try {
    await createTables(sql);
    return [
      await measureFloor("three inserts, no engine, not recoverable", bare(sql), load),
      await measureFloor("business, consumption and outbox row, one statement a step", booked(sql), load),
    ];
  } finally {
    await sql`drop schema if exists floor cascade`;
    await sql.end();
  }
}

async function measureFloor(name: string, start: StartOne, { sagas, inFlight, runs }: Load): Promise<Floor> {
  await runLoad(start, Math.min(1_000, sagas), inFlight);
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) rates.push((await runLoad(start, sagas, inFlight)).perSecond);
  return { name, rates, idle: await runLoad(start, 300, 1) };
}

async function createTables(sql: postgres.Sql): Promise<void> {
  await sql`create schema floor`;
  for (const step of STEPS) {
    await sql`
      create table ${sql(`floor.${step}`)} (id text primary key, saga_id text not null, status text not null, amount integer not null,
        created_at timestamptz not null default now())
    `;
  }
  await sql`
    create table floor.consumption (message_id text, consumer_group text, partition integer, "offset" bigint,
      consumed_at timestamptz not null default now(), primary key (message_id, consumer_group))
  `;
  await sql`
    create table floor.outbox (id bigserial primary key, message_id text not null, correlation_id text not null,
      topic text not null, message_key text, headers jsonb, body jsonb, producer text, requested_at timestamptz not null default now())
  `;
}

function bare(sql: postgres.Sql): StartOne {
  return async (number) => {
    const saga = newId();
    for (const step of STEPS) {
      await sql`insert into ${sql(`floor.${step}`)} (id, saga_id, status, amount) values (${newId()}, ${saga}, 'done', ${number})`;
    }
  };
}

function booked(sql: postgres.Sql): StartOne {
  return async (number) => {
    const saga = newId();
    for (const step of STEPS) {
      await sql`
        with business as (
          insert into ${sql(`floor.${step}`)} (id, saga_id, status, amount) values (${newId()}, ${saga}, 'done', ${number})
        ), consumed as (
          insert into floor.consumption (message_id, consumer_group, partition, "offset") values (${newId()}, ${step}, 0, 1)
          on conflict do nothing
        )
        insert into floor.outbox (message_id, correlation_id, topic, message_key, headers, body, producer)
        values (${newId()}, ${saga}, 'timeline', ${saga}, '{}', ${sql.json({ type: "step.succeeded", saga, amount: number })}, ${step})
      `;
    }
  };
}
