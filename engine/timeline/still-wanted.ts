import type { Sql, Tx } from "./database.ts";

/**
 * Whether a message that failed would run again, as SQL over a request `r` and its step's guard `g`: everything but a
 * command whose step is settled. That one is answered with what its guard says, and nothing runs.
 */
export function stillWanted(sql: Sql | Tx) {
  return sql`(r.step_key is null or r.message_type not in ('step.requested', 'compensation.requested')
    or g.state is null or g.state = 'started'
    or (r.message_type = 'compensation.requested' and g.state in ('done', 'unknown', 'compensating')))`;
}
