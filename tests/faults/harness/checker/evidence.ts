import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { JSONValue, Sql } from "postgres";

import type { History } from "../history.ts";

/** A record of a topic, as a bare client of Kafka reads it. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly messageId: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** How far a group was at a moment. */
export interface Committed {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A look at a group while the faults went on. `passedOver`: messages below the offset that nobody had worked off then. */
export interface CommittedSample extends Committed {
  readonly at: Date;
  readonly passedOver: number;
}

/** All that the checker reads besides the engine's and the domains' tables. */
export interface Evidence {
  readonly history: History;
  /** The world outside: a folder of calls. */
  readonly abroad: string;
  readonly samples: readonly CommittedSample[];
  /** When a group was put back, by a person or by a fault. */
  readonly rewound: readonly Date[];
  /** What lies in Kafka and how far its groups are; null: the embedded transport, whose log is a table. */
  readonly kafka: { readonly records: readonly LogRecord[]; readonly committed: readonly Committed[] } | null;
}

const AT_ONCE = 2_000;

/** Writes the evidence beside the rest, in a schema `checker` of the database that is checked. */
export async function gather(sql: Sql, evidence: Evidence): Promise<void> {
  await sql`set client_min_messages = warning`;
  await sql.unsafe(`
    drop schema if exists checker cascade;
    create schema checker;
    create table checker.call (kind text, definition text, key text, outcome text, saga_ids text[], ends text[], at timestamptz);
    create table checker.outside (step_key text, booked boolean, void boolean);
    create table checker.stocked (goods integer, room integer);
    create table checker.log (topic text collate "C", partition integer, "offset" bigint, message_id text collate "C",
      message_key text collate "C", headers jsonb, body jsonb, was_lost boolean default false);
    create table checker.committed (consumer_group text collate "C", topic text collate "C", partition integer, "offset" bigint);
    create table checker.committed_sample (consumer_group text collate "C", topic text collate "C", partition integer,
      "offset" bigint, at timestamptz, passed_over integer);
    create table checker.rewound (at timestamptz);
  `);
  const { history } = evidence;
  await sql`insert into checker.stocked (goods, room) values (${history.stocked.goods}, ${history.stocked.room})`;
  await insert(
    sql,
    "call",
    history.calls.map((call) => ({
      kind: call.kind,
      definition: call.definition,
      key: call.key,
      outcome: call.outcome,
      saga_ids: call.sagaIds,
      ends: call.ends,
      at: call.at.toISOString(),
    })),
  );
  await insert(sql, "outside", await outside(evidence.abroad));
  await insert(
    sql,
    "committed_sample",
    evidence.samples.map(({ group, passedOver, at, ...rest }) => ({
      ...rest,
      consumer_group: group,
      passed_over: passedOver,
      at: at.toISOString(),
    })),
  );
  await insert(
    sql,
    "rewound",
    evidence.rewound.map((at) => ({ at: at.toISOString() })),
  );
  if (evidence.kafka === null) await gatherEmbedded(sql);
  else await gatherKafka(sql, evidence.kafka);
  await sql`create index on checker.log (message_id)`;
  await sql`create index on checker.log (topic, partition, "offset")`;
  // The run is over, so the database is the checker's: without these each law about answers reads all requests for each step.
  await sql`create index on timeline.event_request (causation_id)`;
  await sql`create index on timeline.event_request (step_key)`;
  await sql`analyze`;
}

/** The key is the request's own, for the laws about order: that a request lies there under it is shown on Kafka only. */
async function gatherEmbedded(sql: Sql): Promise<void> {
  await sql`
    insert into checker.log (topic, partition, "offset", message_id, message_key)
    select l.topic, 0, l."offset", l.message_id, r.message_key
    from timeline.topic_log l join timeline.event_request r using (message_id)
  `;
  await sql`
    insert into checker.committed (consumer_group, topic, partition, "offset")
    select consumer_group, topic, partition, "offset" from timeline.consumer_offset
  `;
}

async function gatherKafka(sql: Sql, kafka: NonNullable<Evidence["kafka"]>): Promise<void> {
  await insert(
    sql,
    "log",
    kafka.records.map(({ messageId, key, ...rest }) => ({
      ...rest,
      message_id: messageId,
      message_key: key,
      was_lost: false,
    })),
  );
  await insert(
    sql,
    "committed",
    kafka.committed.map(({ group, ...rest }) => ({ ...rest, consumer_group: group })),
  );
  // A slot that is gone has lost what it had not sent: it comes later, from the outbox, after what was written since.
  await sql`
    update checker.log set was_lost = exists (select from timeline.event_republish e where e.message_id = log.message_id)
  `;
}

async function insert(sql: Sql, table: string, rows: readonly object[]): Promise<void> {
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const some = rows.slice(at, at + AT_ONCE) as unknown as JSONValue;
    await sql`
      insert into checker.${sql(table)} select * from jsonb_populate_recordset(null::checker.${sql(table)}, ${sql.json(some)})
    `;
  }
}

/** Each call that reached the world outside, by the key of its step. */
async function outside(folder: string): Promise<readonly { step_key: string; booked: boolean; void: boolean }[]> {
  const names = await readdir(folder);
  const found = names
    .filter((name) => !name.endsWith(".void"))
    .map(async (name) => ({
      step_key: name.replaceAll(".", "/"),
      booked: (await readlink(join(folder, name))) === "booked",
      void: names.includes(`${name}.void`),
    }));
  return Promise.all(found);
}
