import type { Sql } from "../timeline/database.ts";
import type { Broker, Position } from "../transport/port.ts";

/** Messages of the engine's own in a topic that the database does not know. */
export interface Unknown {
  readonly topic: string;
  readonly messages: number;
}

/** Reads Kafka from these places on and counts what the database does not know: it was written after the point of restore. */
export async function unknownIn(sql: Sql, broker: Broker, places: readonly Position[]): Promise<readonly Unknown[]> {
  const counts = new Map<string, number>();
  if (places.length === 0) return [];
  await broker.read(places, async (topic, messages) => {
    const headers = messages.map((one) => ({ ...one }));
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from jsonb_array_elements(${sql.json(headers)}) h (headers)
      where timeline.is_forgotten(h.headers)
    `;
    const count = row?.count ?? 0;
    if (count > 0) counts.set(topic, (counts.get(topic) ?? 0) + count);
  });
  return [...counts]
    .map(([topic, messages]) => ({ topic, messages }))
    .toSorted((one, two) => (one.topic < two.topic ? -1 : 1));
}
