import type { Sql } from "./database.ts";

/** A child saga that is open, and who awaits its end. */
export interface OpenChildRow {
  readonly parent_id: string;
  readonly parent_path: string;
  readonly id: string;
  readonly status: string;
  readonly started_at: Date;
}

/** Of the children of an `each` that has begun thousands, so many of the newest are looked at. */
const CHILDREN_MAX = 100;

/** At most one open child of each of some sagas: a parked one before the others, then the newest. */
export function readOpenChildren(sql: Sql, sagaIds: readonly string[]): Promise<readonly OpenChildRow[]> {
  return sql<OpenChildRow[]>`
    select c.parent_id, c.parent_path, c.id, c.status, c.started_at
    from unnest(${sql.array([...sagaIds])}::text[]) p (id)
    cross join lateral (
      select n.parent_id, n.parent_path, n.id, n.status, n.started_at
      from (
        select q.parent_id, q.parent_path, q.id, q.status, q.started_at
        from timeline.saga q where q.parent_id = p.id order by q.id desc limit ${CHILDREN_MAX}
      ) n
      where n.status in ('running', 'compensating', 'parked')
      order by n.status = 'parked' desc, n.id desc limit 1
    ) c
  `;
}
