import type { Sql } from "../timeline/database.ts";
import type { Delivery } from "../transport/port.ts";
import { newId } from "../timeline/ids.ts";
import type { Groups } from "./groups.ts";
import type { Operator } from "./operator.ts";

const BATCH = 500;

/** What of a projection a rebuild needs; `engine/participant` provides it. */
export interface Rebuildable {
  readonly group: string;
  readonly eventTypes: readonly string[];
  empty(): Promise<void>;
  apply(deliveries: readonly Delivery[]): Promise<void>;
}

interface EventPlace {
  message_id: string;
  xid: string;
  requested_at: Date;
  message_key: string;
}

/**
 * Builds a projection anew from the event store: pauses its group, empties it, applies every event in the order in
 * which their transactions wrote them, resumes. What is delivered afterwards is skipped as done. Returns the number of
 * events applied. Readers see it half-built meanwhile.
 */
export async function rebuild(
  sql: Sql,
  groups: Groups,
  projection: Rebuildable,
  reason: string,
  by: Operator,
): Promise<number> {
  const { paused } = await groups.one(projection.group);
  await groups.pause(projection.group, `rebuild: ${reason}`, { actor: by.actor });
  try {
    await projection.empty();
    await sql`delete from timeline.event_consumption where consumer_group = ${projection.group}`;
    const applied = await replay(sql, projection);
    await sql`
      insert into timeline.audit (id, actor, action, target, reason, after)
      values (${newId()}, ${by.actor}, 'projection.rebuild', ${projection.group}, ${reason}, ${sql.json({ events: applied })})
    `;
    return applied;
  } finally {
    if (!paused) await groups.resume(projection.group, `rebuilt: ${reason}`, { actor: by.actor });
  }
}

async function replay(sql: Sql, projection: Rebuildable): Promise<number> {
  let last = { xid: "0", message_id: "" };
  for (let applied = 0; ; ) {
    const events = await sql<EventPlace[]>`
      select r.message_id, r.xid::text as xid, r.requested_at, r.message_key
      from timeline.event_request r
      where r.topic = 'timeline' and r.message_type = any (${sql.array([...projection.eventTypes])}::text[])
        and (r.xid, r.message_id) > (${last.xid}::xid8, ${last.message_id})
      order by r.xid, r.message_id
      limit ${BATCH}
    `;
    if (events.length === 0) return applied;
    await projection.apply(events.map(toDelivery));
    applied += events.length;
    last = events.at(-1) as EventPlace;
  }
}

function toDelivery(event: EventPlace): Delivery {
  return {
    topic: "timeline",
    // Read from the event store: it has no place in a topic.
    partition: -1,
    offset: -1,
    recordedAt: event.requested_at,
    receivedAt: new Date(),
    key: event.message_key,
    headers: { id: event.message_id },
    value: null,
  };
}
