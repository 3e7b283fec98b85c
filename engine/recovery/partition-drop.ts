import { Refusal } from "../core/refusal.ts";
import { connect, type Sql } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import type { Transport } from "../transport/port.ts";
import { publishedExpectedGroups } from "./expected-groups.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { isDelivered, obstaclesOf, type PartitionRow, readPartition, sagasIn } from "./partitions.ts";

type Reserved = Awaited<ReturnType<Sql["reserve"]>>;

/** Which export the caller holds, and why the partition goes. */
export interface DropRequest {
  readonly sha256: string;
  readonly rows: number;
  readonly reason: string;
}

/** A partition that is gone. */
export interface DroppedPartition {
  readonly name: string;
  readonly rows: number;
  readonly droppedAt: string;
}

/**
 * Detaches a partition and drops it. What stands against it is looked at before anything happens. Cut off at any point,
 * the same call carries it on.
 * @throws Refusal `partition.unknown`, `partition.in-use`, `partition.not-exported`, `partition.busy`
 */
export async function dropPartition(
  databaseUrl: string,
  transport: Transport,
  name: string,
  request: DropRequest,
  by: Operator,
): Promise<DroppedPartition> {
  // Looking through a month, and a detach that waits for those who read it, take as long as they take: cut off at the
  // engine's bound on a statement they would end the same every time.
  const sql = connect(databaseUrl, { max: 2, name: "drop", statementTimeoutMs: 0 });
  try {
    return await alone(sql, (connection) => drop(sql, connection, transport, name, request, by));
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** One drop at a time: PostgreSQL allows one half-done detach of a table's partitions. */
async function alone<T>(sql: Sql, work: (connection: Reserved) => Promise<T>): Promise<T> {
  const connection = await sql.reserve();
  try {
    const [lock] = await connection<{ locked: boolean }[]>`
      select pg_try_advisory_lock(hashtextextended('drop partition', 3)) as locked
    `;
    if (lock?.locked !== true)
      throw new Refusal("partition.busy", "another call is dropping a partition", "Ask again in a moment.");
    try {
      return await work(connection);
    } finally {
      // Now, and not when the server has noticed the session's end: the next drop may follow at once. A session that is
      // lost holds nothing.
      await connection`select pg_advisory_unlock_all()`.catch(() => undefined);
    }
  } finally {
    connection.release();
  }
}

async function drop(
  sql: Sql,
  connection: Reserved,
  transport: Transport,
  name: string,
  request: DropRequest,
  by: Operator,
): Promise<DroppedPartition> {
  const partition = await readPartition(sql, name);
  refuseOther(partition, request);
  await refuseHalfDone(sql, name);
  if (partition.dropping_at === null) await begin(sql, transport, partition, request, by);
  if (partition.dropped_at === null) {
    await detach(connection, partition);
    await finish(sql, partition, transport.broker === undefined);
  }
  const { dropped_at } = await readPartition(sql, name);
  return { name, rows: request.rows, droppedAt: (dropped_at ?? new Date()).toISOString() };
}

/** It waits for every transaction that may read the table, however long that is open. */
async function detach(connection: Reserved, { name, attached, detaching }: PartitionRow): Promise<void> {
  await connection`set lock_timeout = 0`;
  const statement = `alter table timeline.event_request detach partition ${nameOf(name)}`;
  if (attached) await connection.unsafe(`${statement} concurrently`);
  else if (detaching) await connection.unsafe(`${statement} finalize`);
}

/** PostgreSQL detaches no second one beside it. */
async function refuseHalfDone(sql: Sql, name: string): Promise<void> {
  const [other] = await sql<{ name: string }[]>`
    select p.name from timeline.request_partitions() p where p.detaching and p.name <> ${name} limit 1
  `;
  if (other === undefined) return;
  const message = `the drop of ${other.name} was cut off while it was being detached, and no other can be detached`;
  throw new Refusal("partition.in-use", message, `Ask for the drop of ${other.name} once more; then for this one.`);
}

function refuseOther({ name, sha256, rows }: PartitionRow, request: DropRequest): void {
  if (sha256 === request.sha256 && rows === request.rows) return;
  const has = sha256 === null ? "it has not been exported" : `its export has ${rows} rows and sha256 ${sha256}`;
  const hint = `Export it anew: ekiden export --partition ${name} --to DIR`;
  throw new Refusal("partition.not-exported", `this is no export of partition ${name}: ${has}`, hint);
}

/**
 * Looks at what stands against it, and notes that it goes: from here on the horizon is its end, for once it is detached
 * nothing of it can be read, whether or not this call lives to drop it.
 */
async function begin(
  sql: Sql,
  transport: Transport,
  partition: PartitionRow,
  { reason, rows }: DropRequest,
  by: Operator,
): Promise<void> {
  const { name, to_id } = partition;
  const obstacles = [
    ...obstaclesOf(partition, await sagasIn(sql, partition), await isDelivered(sql, transport, partition)),
    ...(await obstaclesInside(sql, partition)),
  ];
  if (obstacles.length > 0) {
    const message = `partition ${name} cannot be dropped: ${obstacles.join("; ")}`;
    throw new Refusal("partition.in-use", message, "GET /v1/partitions says what stands against each.");
  }
  await sql.begin(async (tx) => {
    await claimOperation(tx, `drop/${name}`, by, { rows, reason });
    await tx`update timeline.request_partition set dropping_at = clock_timestamp() where name = ${name} and dropping_at is null`;
    await tx`
      update timeline.retention set horizon = greatest(horizon, ${to_id}), moved_at = clock_timestamp() where id = 1
    `;
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, after)
      values (${newId()}, ${by.actor}, 'partition.drop', ${name}, ${reason}, ${tx.json({ rows, sha256: partition.sha256 })})
    `;
    await keepOperation(tx, `drop/${name}`, by, { name });
  });
}

/** What only reading it tells: another number of rows, messages that a group has not consumed, bodies that are needed. */
async function obstaclesInside(sql: Sql, { from_id, to_id, rows }: PartitionRow): Promise<readonly string[]> {
  const expected = await publishedExpectedGroups(sql);
  const [found] = await sql<{ rows: number; unconsumed: string | null; unfinished: string | null }[]>`
    select
      (select count(*) from timeline.event_request r where r.message_id >= ${from_id} and r.message_id < ${to_id}) as "rows",
      (select e.consumer_group || ' ' || r.message_id from timeline.event_request r
        join jsonb_to_recordset(${sql.json(expected as never)}) as e (consumer_group text, topic text, types jsonb)
          on e.topic = r.topic and (jsonb_typeof(e.types) is distinct from 'array' or e.types ? r.message_type)
        where r.message_id >= ${from_id} and r.message_id < ${to_id} and not exists (
          select from timeline.event_consumption c
          where c.consumer_group = e.consumer_group and c.message_id = r.message_id and c.consumed_at is not null)
        limit 1) as unconsumed,
      (select c.consumer_group || ' ' || c.message_id from timeline.event_consumption c
        where c.message_id >= ${from_id} and c.message_id < ${to_id} and c.foreign_id is null and c.message_body is null
          and (c.error_flag or c.consumed_at is null)
        limit 1) as unfinished
  `;
  if (found === undefined) return [];
  const other = `it has ${found.rows} rows, its export ${rows}`;
  return [
    ...(found.rows === rows ? [] : [other]),
    ...(found.unconsumed === null ? [] : [`a group has not consumed a message of it: ${found.unconsumed}`]),
    ...(found.unfinished === null
      ? []
      : [`a consumption that is not done takes its body from it: ${found.unfinished}`]),
  ];
}

/** The table stands alone: nothing can be written to it any more, so its rows are counted once more. */
async function finish(sql: Sql, { name, from_id, to_id, rows }: PartitionRow, embedded: boolean): Promise<void> {
  const late = await sql.begin(async (tx) => {
    const [table] = await tx<{ found: string | null }[]>`select to_regclass(${nameOf(name)})::text as found`;
    const [count] =
      table?.found === null
        ? []
        : await tx.unsafe<{ rows: number }[]>(`select count(*) as "rows" from ${nameOf(name)}`);
    if (count !== undefined && count.rows !== rows) {
      await tx.unsafe(
        `alter table timeline.event_request attach partition ${nameOf(name)} for values from ('${from_id}') to ('${to_id}')`,
      );
      await tx`update timeline.request_partition set dropping_at = null where name = ${name}`;
      // It can be read again: the horizon goes back to the end of what cannot.
      await tx`
        update timeline.retention set horizon = (
          select coalesce(max(p.to_id), '') from timeline.request_partition p where p.dropping_at is not null
        ) where id = 1
      `;
      return count.rows;
    }
    await tx.unsafe(`drop table if exists ${nameOf(name)}`);
    if (embedded) await tx`delete from timeline.topic_log where message_id >= ${from_id} and message_id < ${to_id}`;
    await tx`update timeline.request_partition set dropped_at = clock_timestamp() where name = ${name}`;
    return null;
  });
  if (late === null) return;
  const message = `partition ${name} has ${late} rows, its export ${rows}: a request was written meanwhile; it was not dropped`;
  throw new Refusal("partition.in-use", message, `Export it anew: ekiden export --partition ${name} --to DIR`);
}

/** Names come from the catalogue; quoted all the same. */
function nameOf(name: string): string {
  return `timeline."${name.replaceAll('"', '""')}"`;
}
