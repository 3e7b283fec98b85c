import { Refusal } from "../core/refusal.ts";
import { newId } from "../timeline/ids.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";
import { stillWanted } from "../timeline/still-wanted.ts";

/** A message that was sent again, and under which id. */
export interface Redriven {
  readonly messageId: string;
  readonly republishId: string;
  /** Groups that have consumed it: they skip it. */
  readonly doneBy: readonly string[];
  /** The step of this command is settled: whoever takes it answers with what stands, and runs nothing. */
  readonly settled: boolean;
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
    const answer = { messageId, republishId, ...(await whatToExpect(tx, messageId)) };
    await keepOperation(tx, `redrive/${messageId}`, by, answer);
    return answer;
  }) as Promise<Redriven>;
}

async function whatToExpect(tx: Tx, messageId: string): Promise<Pick<Redriven, "doneBy" | "settled">> {
  const [seen] = await tx<{ doneBy: string[]; settled: boolean }[]>`
    select not (${stillWanted(tx)}) as settled, array(
      select c.consumer_group from timeline.event_consumption c
      where c.message_id = r.message_id and not c.error_flag and c.consumed_at is not null order by 1
    ) as "doneBy"
    from timeline.event_request r
    left join timeline.step_guard g on g.step_key = r.step_key
    where r.message_id = ${messageId}
  `;
  return seen ?? { doneBy: [], settled: false };
}
