import type { Sql, Tx } from "./database.ts";

/**
 * Whether `x`, a transition in `timeline.event_consumption`, ended its saga `s`. A final status alone does not say so: a
 * completed child moves on under it when its parent releases it or takes it back. A saga has ended at the time that its
 * end saw, to which verification holds it. Others of the same batch saw the same: count sagas, not rows.
 */
export function isEnd(sql: Sql | Tx) {
  return sql`(
    x.status in ('completed', 'failed', 'cancelled', 'terminated') and (x.read->>'now')::timestamptz = s.finished_at
  )`;
}
