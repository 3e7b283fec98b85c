import type { Sql } from "../timeline/database.ts";
import type { Broker } from "../transport/port.ts";
import { endOf, type History, readPositions } from "./identity.ts";

/**
 * Takes the place from what failed before Kafka lost it: an offset of a topic that is gone names another message now,
 * and a rewind to the first error would go there. The message id stays, so that it can be sent again.
 */
export async function forgetLostPlaces(sql: Sql, broker: Broker, { known }: History): Promise<void> {
  const [ends, cluster, positions] = [await broker.ends(), await broker.cluster(), await readPositions(sql)];
  const isOther = known.kafkaCluster !== null && known.kafkaCluster !== cluster;
  const lost = positions.filter((at) => isOther || endOf(ends, at) < at.end);
  const places = lost.map(({ topic, partition }) => ({ topic, partition }));
  await sql`
    update timeline.event_consumption c set partition = null, "offset" = null
    from jsonb_to_recordset(${sql.json(places)}) as w (topic text, partition integer)
    where c.error_flag and c.topic = w.topic and c.partition = w.partition
      and coalesce(c.received_at, c.started_at) < (select needed_at from timeline.identity where id = 1)
  `;
}
