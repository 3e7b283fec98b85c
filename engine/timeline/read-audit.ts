import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";
import type { TimelinePlace } from "./read-timeline.ts";

/** One action of an operator. */
export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  /** `at` in microseconds since 1970. */
  readonly placed_at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string | null;
  readonly before: Json;
  readonly after: Json;
}

/** Which actions to list; all that is given must hold. */
export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** On this saga, or on a message of it. */
  readonly saga?: string | undefined;
  readonly since?: Date | undefined;
  /** Only actions older than this place. */
  readonly before?: TimelinePlace | undefined;
  readonly limit: number;
}

/** Actions of operators, newest first by the database's clock. */
export async function readAudit(sql: Sql, filter: AuditFilter): Promise<readonly AuditRow[]> {
  const { actor, action, target, saga, since, before, limit } = filter;
  const rows = await sql<AuditRow[]>`
    select a.id, a.at, (extract(epoch from a.at) * 1000000)::bigint::text as placed_at, a.actor, a.action, a.target, a.reason,
      a.before, a.after
    from timeline.audit a
    where true
      ${actor === undefined ? sql`` : sql`and a.actor = ${actor}`}
      ${action === undefined ? sql`` : sql`and a.action = ${action}`}
      ${target === undefined ? sql`` : sql`and a.target = ${target}`}
      ${saga === undefined ? sql`` : sql`and ${isOf(sql, saga)}`}
      ${since === undefined ? sql`` : sql`and a.at >= ${since}`}
      ${
        before === undefined
          ? sql``
          : sql`and (a.at, a.id) < (timestamptz 'epoch' + ${before.at}::text::bigint * interval '1 microsecond', ${before.id})`
      }
    order by a.at desc, a.id desc
    limit ${limit}
  `;
  return [...rows];
}

/** An edit names its saga; of a message that was sent again the event store knows it. */
function isOf(sql: Sql, saga: string) {
  return sql`(
    a.target = ${saga} or a.after->>'sagaId' = ${saga}
    or (a.action = 'message.redrive' and exists (
      select from timeline.event_request r where r.message_id = a.target and r.correlation_id = ${saga}
    ))
  )`;
}
