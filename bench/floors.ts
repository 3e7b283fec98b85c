import postgres from "postgres";

import { newId } from "../engine/timeline/ids.ts";
import { createBusinessTables } from "./business-tables.ts";
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

/** Two floors: three inserts that commit alone, and the least that a saga over an outbox can write. */
export const FLOORS = {
  bare: { title: "bare, three inserts, not recoverable", startOn: bare },
  outbox: { title: "outbox, the least that a saga over one can write", startOn: booked },
} as const;

/** The name of a floor. */
export type FloorName = keyof typeof FLOORS;

const CONNECTIONS = 20;

/** Measures the floors in a database of their own beside `databaseUrl`, which is dropped afterwards. */
export async function measureFloors(databaseUrl: string, load: Load): Promise<readonly Floor[]> {
  const admin = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const address = new URL(databaseUrl);
  address.pathname = "/floor";
  await admin`create database floor`;
  const sql = openFloor(address.href);
  try {
    await createFloorTables(sql);
    const measured: Floor[] = [];
    for (const { title, startOn } of Object.values(FLOORS))
      measured.push(await measureFloor(title, startOn(sql), load));
    return measured;
  } finally {
    await sql.end();
    await admin`drop database floor`;
    await admin.end();
  }
}

/** The connections of a floor, as many as a peer's business writes have. */
export function openFloor(databaseUrl: string): postgres.Sql {
  return postgres(databaseUrl, { max: CONNECTIONS, onnotice: () => {} });
}

async function measureFloor(name: string, start: StartOne, { sagas, inFlight, runs }: Load): Promise<Floor> {
  await runLoad(start, Math.min(1_000, sagas), inFlight);
  const rates: number[] = [];
  for (let run = 0; run < runs; run++) rates.push((await runLoad(start, sagas, inFlight)).perSecond);
  return { name, rates, idle: await runLoad(start, 300, 1) };
}

/** The business tables, and those of a hand-written outbox. */
export async function createFloorTables(sql: postgres.Sql): Promise<void> {
  await createBusinessTables(sql);
  await sql`
    create table consumption (message_id text, consumer_group text, partition integer, "offset" bigint,
      consumed_at timestamptz not null default now(), primary key (message_id, consumer_group))
  `;
  await sql`
    create table outbox (id bigserial primary key, message_id text not null, correlation_id text not null,
      topic text not null, message_key text, headers jsonb, body jsonb, producer text, requested_at timestamptz not null default now())
  `;
}

function bare(sql: postgres.Sql): StartOne {
  return async (number) => {
    const saga = newId();
    await sql`
      insert into application.application (id, saga_id, status, applicant, amount)
      values (${`a-${saga}`}, ${saga}, 'registered', 'Taro Yamada', ${number})
    `;
    await sql`insert into screening.examination (id, saga_id, status, score) values (${`e-${saga}`}, ${saga}, 'passed', 700)`;
    await sql`insert into contract.contract (id, saga_id, status, amount) values (${`c-${saga}`}, ${saga}, 'concluded', ${number})`;
  };
}

function booked(sql: postgres.Sql): StartOne {
  return async (number) => {
    const saga = newId();
    const body = (type: string) => sql.json({ type, saga, amount: number });
    await sql`
      with business as (
        insert into application.application (id, saga_id, status, applicant, amount)
        values (${`a-${saga}`}, ${saga}, 'registered', 'Taro Yamada', ${number})
      ), consumed as (
        insert into consumption (message_id, consumer_group, partition, "offset") values (${newId()}, 'application', 0, 1)
        on conflict do nothing
      )
      insert into outbox (message_id, correlation_id, topic, message_key, headers, body, producer)
      values (${newId()}, ${saga}, 'timeline', ${saga}, '{}', ${body("application.registered")}, 'application')
    `;
    await sql`
      with business as (
        insert into screening.examination (id, saga_id, status, score) values (${`e-${saga}`}, ${saga}, 'passed', 700)
      ), consumed as (
        insert into consumption (message_id, consumer_group, partition, "offset") values (${newId()}, 'screening', 0, 1)
        on conflict do nothing
      )
      insert into outbox (message_id, correlation_id, topic, message_key, headers, body, producer)
      values (${newId()}, ${saga}, 'timeline', ${saga}, '{}', ${body("screening.examined")}, 'screening')
    `;
    await sql`
      with business as (
        insert into contract.contract (id, saga_id, status, amount)
        values (${`c-${saga}`}, ${saga}, 'concluded', ${number})
      ), consumed as (
        insert into consumption (message_id, consumer_group, partition, "offset") values (${newId()}, 'contract', 0, 1)
        on conflict do nothing
      )
      insert into outbox (message_id, correlation_id, topic, message_key, headers, body, producer)
      values (${newId()}, ${saga}, 'timeline', ${saga}, '{}', ${body("contract.concluded")}, 'contract')
    `;
  };
}
