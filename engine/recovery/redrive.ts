import { Refusal } from "../core/refusal.ts";
import { newId } from "../timeline/ids.ts";
import type { Sql } from "../timeline/database.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** A message that was sent again, and under which id. */
export interface Redriven {
  readonly messageId: string;
  readonly republishId: string;
}

/**
 * Sends one recorded message again, same id, key, headers and body, through `event_republish` and the same path.
 * Consumers that have done it skip it; one that failed on it runs it again if the saga still wants it.
 * @throws Refusal `message.unknown`
 */
export async function redrive(sql: Sql, messageId: string, reason: string, by: Operator): Promise<Redriven> {
  const republishId = newId();
  return sql.begin(async (tx) => {
    const earlier = await claimOperation(tx, `redrive/${messageId}`, by, { reason });
    if (earlier !== null) return earlier as unknown as Redriven;
    const sent = await tx`
      insert into timeline.event_republish (republish_id, message_id, correlation_id, causation_id, topic, message_key,
        message_type, saga, step_key, action, attempt, traceparent, message_headers, message_body, producer, requested_at)
      select ${republishId}, message_id, correlation_id, causation_id, topic, message_key, message_type, saga, step_key,
        action, attempt, traceparent, message_headers, message_body, producer, requested_at
      from timeline.event_request where message_id = ${messageId}
      returning republish_id
    `;
    if (sent.length === 0) {
      throw new Refusal(
        "message.unknown",
        `there is no message ${messageId} in the event store`,
        "A foreign message is not ours to send again.",
      );
    }
    await tx`
      insert into timeline.audit (id, actor, action, target, reason, after)
      values (${newId()}, ${by.actor}, 'message.redrive', ${messageId}, ${reason}, ${tx.json({ republishId })})
    `;
    const answer = { messageId, republishId };
    await keepOperation(tx, `redrive/${messageId}`, by, answer);
    return answer;
  }) as Promise<Redriven>;
}
