import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";

/** What of a saga may hold sensitive values. */
export interface SensitiveRow {
  readonly id: string;
  readonly definition: string;
  readonly revision: string;
}

/** Definition and revision of some sagas. */
export function readRevisionsOf(sql: Sql, sagaIds: readonly string[]): Promise<readonly SensitiveRow[]> {
  return sql<SensitiveRow[]>`select id, definition, revision from timeline.saga where id = any(${[...sagaIds]})`;
}

/** A child saga that has failed, and what it said of that: its parent says the same. */
export interface FailedChildRow extends SensitiveRow {
  readonly parent_id: string;
  readonly message: string;
  /** Path of the step that it failed at. */
  readonly step: string | null;
}

/** Children of some sagas that have failed, with those of theirs that have, the youngest generation first. */
export function readFailedChildren(sql: Sql, sagaIds: readonly string[]): Promise<readonly FailedChildRow[]> {
  return sql<FailedChildRow[]>`
    with recursive failed (id, parent_id, definition, revision, message, step, depth) as (
      select c.id, c.parent_id, c.definition, c.revision, c.error->>'message', c.error->>'step', 1
      from timeline.saga c where c.parent_id = any(${[...sagaIds]}) and c.error is not null
      union all
      select c.id, c.parent_id, c.definition, c.revision, c.error->>'message', c.error->>'step', f.depth + 1
      from failed f join timeline.saga c on c.parent_id = f.id and c.error is not null
    )
    select id, parent_id, definition, revision, coalesce(message, '') as message, step
    from failed order by depth desc
  `;
}

/** A definition by name, and its revisions that may declare something sensitive. */
export interface DeclaringRow {
  readonly name: string;
  /** Whether any revision of it is kept. */
  readonly known: boolean;
  readonly revisions: readonly string[];
}

/** Of revisions that do not hold the word, nor a backslash to write it with, nothing needs to be compiled. */
export function readDeclaring(sql: Sql, names: readonly string[]): Promise<readonly DeclaringRow[]> {
  return sql<DeclaringRow[]>`
    select n.name, exists (select from timeline.definition_revision r where r.name = n.name) as known, array(
      select r.revision from timeline.definition_revision r
      where r.name = n.name and (strpos(r.source, 'sensitive') > 0 or strpos(r.source, chr(92)) > 0)
      order by r.created_at desc, r.revision
    ) as revisions
    from unnest(${[...names]}::text[]) as n (name)
  `;
}

/** Inputs of some sagas. */
export function readInputs(
  sql: Sql,
  sagaIds: readonly string[],
): Promise<readonly { readonly id: string; readonly input: Json }[]> {
  return sql<{ id: string; input: Json }[]>`select id, input from timeline.saga where id = any(${[...sagaIds]})`;
}

/** A step of which a person has edited a command: retries carry what was written then. */
export interface EditedStepRow {
  readonly saga_id: string;
  readonly step_key: string;
  /** What was said of its failure, if it has failed; and of the saga's, if that came of it. */
  readonly said: string | null;
  readonly saga_said: string | null;
}

/** The edited steps of some sagas. */
export function readEditedSteps(sql: Sql, sagaIds: readonly string[]): Promise<readonly EditedStepRow[]> {
  return sql<EditedStepRow[]>`
    select e.saga_id, e.step_key, p.said, q.said as saga_said
    from (
      select distinct correlation_id as saga_id, step_key, substr(step_key, length(correlation_id) + 2) as path
      from timeline.event_request
      where correlation_id = any(${[...sagaIds]}) and step_key is not null and message_headers ? 'supersedes'
    ) e
    -- One by one: there are few, and for some the planner would rather read the whole table.
    left join lateral (
      select s.error->>'message' as said from timeline.saga_step s
      where s.saga_id = e.saga_id and s.path = e.path offset 0
    ) p on true
    left join lateral (
      select s.error->>'message' as said from timeline.saga s
      where s.id = e.saga_id and s.error->>'step' = e.path offset 0
    ) q on true
  `;
}

/** Outputs of the steps of some sagas. */
export function readOutputs(
  sql: Sql,
  sagaIds: readonly string[],
): Promise<readonly { readonly saga_id: string; readonly path: string; readonly output: Json }[]> {
  return sql<{ saga_id: string; path: string; output: Json }[]>`
    select saga_id, path, output from timeline.saga_step where saga_id = any(${[...sagaIds]}) and output is not null
  `;
}
