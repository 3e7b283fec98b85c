import { isJsonObject, type Json } from "../core/json.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { type DefinitionRow, readDefinition } from "../timeline/read-definitions.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** How a caller is told where a definition stands. */
type View<T> = (row: DefinitionRow) => T;

/**
 * Lets a definition start no saga any more. Returns when no start that knew nothing of it can commit; what was started
 * goes on to its end. One that is retired already stays as it is. @throws Refusal `saga.unknown-definition`
 */
export function retireDefinition<T>(sql: Sql, name: string, reason: string, by: Operator, view: View<T>): Promise<T> {
  return change(sql, { action: "definition.retire", name, reason }, by, view, async (tx) => {
    await tx`
      update timeline.definition
      set retired_at = clock_timestamp(), retired_by = ${by.actor}, retired_reason = ${reason}
      where name = ${name} and retired_at is null
    `;
  });
}

/** Lets a retired definition start sagas again; another stays as it is. @throws Refusal `saga.unknown-definition` */
export function restoreDefinition<T>(sql: Sql, name: string, reason: string, by: Operator, view: View<T>): Promise<T> {
  return change(sql, { action: "definition.restore", name, reason }, by, view, async (tx) => {
    await tx`
      update timeline.definition set retired_at = null, retired_by = null, retired_reason = null
      where name = ${name} and retired_at is not null
    `;
  });
}

interface Change {
  readonly action: "definition.retire" | "definition.restore";
  readonly name: string;
  readonly reason: string;
}

/** What is said after it; under the key of an earlier call what was said then, whatever came in between. */
async function change<T>(
  sql: Sql,
  { action, name, reason }: Change,
  by: Operator,
  view: View<T>,
  write: (tx: Tx) => Promise<void>,
): Promise<T> {
  const scope = `${action}/${name}`;
  return (await sql.begin(async (tx) => {
    // Starts hold it shared (sql/0040): those in progress end first, and those that come see what was written here.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`start/${name}`}, 3))`;
    const earlier = await claimOperation(tx, scope, by, { reason });
    const before = await standing(tx, name);
    // An engine of an earlier version kept no more than whether it is retired.
    if (earlier !== null) return isJsonObject(earlier) && "name" in earlier ? earlier : view(before);
    await write(tx);
    const after = await standing(tx, name);
    const [was, is] = [before, after].map(({ retired_at }): Json => ({ retired: retired_at !== null }));
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, before, after)
      values (${newId()}, ${by.actor}, ${action}, ${name}, ${reason}, ${tx.json(was as never)}, ${tx.json(is as never)})
    `;
    const answer = view(after);
    await keepOperation(tx, scope, by, answer as Json);
    return answer;
  })) as T;
}

async function standing(tx: Tx, name: string): Promise<DefinitionRow> {
  const row = await readDefinition(tx, name);
  if (row !== undefined) return row;
  const hint = "`ekiden definitions`, or GET /v1/definitions, lists them.";
  throw new Refusal("saga.unknown-definition", `there is no definition "${name}"`, hint);
}
