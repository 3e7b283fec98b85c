import type { Sql } from "./database.ts";

/** A child saga that is among the open ones, and who awaits its end, or that it is undone. */
export interface OpenChildRow {
  readonly parent_id: string;
  readonly parent_path: string;
  readonly id: string;
  readonly definition: string;
  readonly status: string;
  readonly started_at: Date;
}

/** So many items one `each` may have; of more children than that the newest are looked at. */
const CHILDREN_MAX = 10_000;

/**
 * At most one open child of each of some sagas: a parked one before the others, then the newest. Where it stands among the
 * open ones decides: a completed child is there, as parked, while its undoing is. Of a saga that undoes itself (`undoing`) also
 * a completed child is looked for that does so too. The inner limit keeps one look by the
 * primary key for a child: without it a plan may read all open sagas. The two bounds are an equality that leaves both
 * columns to the order: by the id alone a plan read all sagas backwards for each parent, 27 s for a page of 200.
 */
export function readOpenChildren(
  sql: Sql,
  sagaIds: readonly string[],
  undoing: readonly string[],
): Promise<readonly OpenChildRow[]> {
  return sql<OpenChildRow[]>`
    select c.parent_id, c.parent_path, c.id, c.definition, c.status, c.started_at
    from unnest(${sql.array([...sagaIds])}::text[]) p (id)
    cross join lateral (
      select n.parent_id, n.parent_path, n.id, n.definition, s.status, n.started_at
      from (
        select q.parent_id, q.parent_path, q.id, q.definition, q.started_at,
          q.status = 'completed' and p.id = any (${sql.array([...undoing])}::text[]) and q.state->>'reversal' = 'running' as is_undone
        from timeline.saga q where q.parent_id >= p.id and q.parent_id <= p.id
        order by q.parent_id desc, q.id desc limit ${CHILDREN_MAX}
      ) n
      cross join lateral (
        select coalesce(
          (select o.status from timeline.saga_open o where o.saga_id = n.id), case when n.is_undone then 'completed' end
        ) as status
      ) s
      where s.status is not null
      order by s.status = 'parked' desc, n.id desc limit 1
    ) c
  `;
}
