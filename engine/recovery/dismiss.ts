import { Refusal } from "../core/refusal.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** A message that nobody is to look into any more. */
export interface Dismissed {
  readonly messageId: string;
  /** Groups that had it in error, and have done with it now. */
  readonly groups: readonly string[];
}

interface Row {
  readonly group: string;
  readonly code: string | null;
  /** The event store has it, it has the form of its type, and it does not start a saga. */
  readonly own: boolean;
}

/**
 * Puts an end to a failure that nothing else ends: of a foreign message, of an event without the form of its type, or of
 * what was to start a saga. Its error and its failures stay on record; a rewind passes it over. A second call does nothing.
 * @throws Refusal `message.unknown`, `message.not-dismissible`
 */
export async function dismiss(sql: Sql, messageId: string, reason: string, by: Operator): Promise<Dismissed> {
  return sql.begin(async (tx) => {
    const earlier = await claimOperation(tx, `dismiss/${messageId}`, by, { reason });
    if (earlier !== null) return earlier as unknown as Dismissed;
    const rows = await tx<Row[]>`
      select c.consumer_group as "group", c.error_code as code,
        not starts_with(c.consumer_group, 'start.') and c.error_code is distinct from 'message.malformed' and exists (
          select from timeline.event_request r where r.message_id = c.message_id) as own
      from timeline.event_consumption c
      where c.message_id = ${messageId} and c.error_flag
      order by c.consumer_group
      for update
    `;
    const own = rows.find((row) => row.own);
    if (own !== undefined) throw notDismissible(messageId, own.group);
    if (rows.length === 0) await refuseUnknown(tx, messageId);
    const groups = rows.map(({ group }) => group);
    await tx`
      update timeline.event_consumption set error_flag = false, consumed_at = coalesce(consumed_at, clock_timestamp())
      where message_id = ${messageId} and consumer_group = any (${tx.array(groups)}::text[])
    `;
    const before = rows.map(({ group, code }) => ({ group, code }));
    if (rows.length > 0)
      await tx`
        insert into timeline.audit (id, actor, action, target, reason, before)
        values (${newId()}, ${by.actor}, 'message.dismiss', ${messageId}, ${reason}, ${tx.json(before)})
      `;
    const answer = { messageId, groups };
    await keepOperation(tx, `dismiss/${messageId}`, by, answer);
    return answer;
  }) as Promise<Dismissed>;
}

function notDismissible(messageId: string, group: string): Refusal {
  return new Refusal(
    "message.not-dismissible",
    `message ${messageId} is the engine's own: group ${group} can still do it`,
    "Of a step that waits: mend the cause and retry its saga, or skip the step; one that has ended needs nothing. Of a projection: mend it and redrive the message, or rewind the group past it with `skip`.",
  );
}

async function refuseUnknown(tx: Tx, messageId: string): Promise<void> {
  const known = await tx`
    select from timeline.event_consumption where message_id = ${messageId}
    union all select from timeline.event_request where message_id = ${messageId}
  `;
  if (known.length > 0) return;
  const hint = "GET /v1/messages?error=true lists those in error.";
  throw new Refusal("message.unknown", `there is no message ${messageId}`, hint);
}
