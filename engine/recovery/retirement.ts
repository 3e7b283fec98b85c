import type { Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/**
 * Lets a definition start no saga any more. Returns when no start that knew nothing of it can commit; what was started
 * goes on to its end. One that is retired already stays as it is. @throws Refusal `saga.unknown-definition`
 */
export function retireDefinition(sql: Sql, name: string, reason: string, by: Operator): Promise<void> {
  return change(sql, "definition.retire", name, reason, by, async (tx) => {
    await tx`
      update timeline.definition
      set retired_at = clock_timestamp(), retired_by = ${by.actor}, retired_reason = ${reason}
      where name = ${name} and retired_at is null
    `;
    return { retired: true };
  });
}

/** Lets a retired definition start sagas again; another stays as it is. @throws Refusal `saga.unknown-definition` */
export function restoreDefinition(sql: Sql, name: string, reason: string, by: Operator): Promise<void> {
  return change(sql, "definition.restore", name, reason, by, async (tx) => {
    await tx`
      update timeline.definition set retired_at = null, retired_by = null, retired_reason = null
      where name = ${name} and retired_at is not null
    `;
    return { retired: false };
  });
}

async function change(
  sql: Sql,
  action: "definition.retire" | "definition.restore",
  name: string,
  reason: string,
  by: Operator,
  write: (tx: Tx) => Promise<Json>,
): Promise<void> {
  const scope = `${action}/${name}`;
  await sql.begin(async (tx) => {
    // Starts hold it shared (sql/0040): those in progress end first, and those that come see what was written here.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`start/${name}`}, 3))`;
    if ((await claimOperation(tx, scope, by, { reason })) !== null) return;
    const before = await standing(tx, name);
    const after = await write(tx);
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, before, after)
      values (${newId()}, ${by.actor}, ${action}, ${name}, ${reason}, ${tx.json(before as never)}, ${tx.json(after as never)})
    `;
    await keepOperation(tx, scope, by, after);
  });
}

async function standing(tx: Tx, name: string): Promise<Json> {
  const [row] = await tx<{ retired: boolean }[]>`
    select retired_at is not null as retired from timeline.definition where name = ${name}
  `;
  if (row !== undefined) return { retired: row.retired };
  const hint = "`ekiden definitions`, or GET /v1/definitions, lists them.";
  throw new Refusal("saga.unknown-definition", `there is no definition "${name}"`, hint);
}
