import { afterAll, beforeAll, expect, test } from "bun:test";

import { publicationHealth, readWithheld } from "../../engine/transport/kafka/publication.ts";
import { type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";

const NAME = "ekiden_outbox";
const ALL = ["timeline.event_request", "timeline.event_republish", "timeline.heartbeat"];

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
});

afterAll(() => database?.drop());

/** What somebody did to the publication, and which tables it no longer hands on as they are. */
const DAMAGES: readonly (readonly [statement: string, withheld: readonly string[]])[] = [
  [`alter publication ${NAME} drop table timeline.event_request`, ["timeline.event_request"]],
  [`alter publication ${NAME} set table timeline.event_request, timeline.heartbeat`, ["timeline.event_republish"]],
  [
    `alter publication ${NAME} set table timeline.event_request where (topic <> 'timeline'), timeline.event_republish, timeline.heartbeat`,
    ["timeline.event_request"],
  ],
  [
    `alter publication ${NAME} set table timeline.event_request (message_id, requested_at), timeline.event_republish, timeline.heartbeat`,
    ["timeline.event_request"],
  ],
  // Its partitions are handed on under their own names then, for which the connector has no topic.
  [`alter publication ${NAME} set (publish_via_partition_root = false)`, ["timeline.event_request"]],
  [`alter publication ${NAME} set (publish = 'update')`, ALL],
  [`drop publication ${NAME}`, ALL],
];

for (const [statement, withheld] of DAMAGES) {
  test(`after «${statement}» the health report is red, and the statements that it names mend it`, async () => {
    const { sql } = database;
    expect(publicationHealth(NAME, await readWithheld(sql, NAME))).toBeUndefined();

    await sql.unsafe(statement);
    const health = publicationHealth(NAME, await readWithheld(sql, NAME));
    expect(health).toMatchObject({ part: "publication", ok: false });
    expect(health?.detail).toStartWith(`publication ${NAME} does not hand on ${withheld.join(", ")}: `);

    await sql.unsafe(/In psql: (.*;) Then/.exec(health?.hint ?? "")?.[1] ?? "");
    expect(await readWithheld(sql, NAME)).toEqual([]);
  });
}
