import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";

import type { Definition } from "../../engine/core/definition.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { connect, type Sql } from "../../engine/timeline/database.ts";
import { publishDefinition } from "../../engine/timeline/definition-write.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { scheduleSince } from "../../engine/timeline/schedule-runs.ts";
import { root } from "../architecture/project-files.ts";
import { LAB } from "../support/engine.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

const NIGHTLY = '{ cron: "0 3 * * *", input: { note: a, patience: long } }';
const NIGHTLY_TOO = '{ cron: "0  3 * * * ", timezone: UTC, overlap: queue, input: { note: b, patience: long } }';
const IN_TOKYO = '{ cron: "0 3 * * *", timezone: Asia/Tokyo, input: { note: a, patience: long } }';
const AT_FOUR = '{ cron: "0 4 * * *", input: { note: a, patience: long } }';
const LONG_AGO = "2026-01-01T00:00:00.000Z";

let database: FreshDatabase;
let sql: Sql;
let saga: string;
let edits = 0;

beforeAll(async () => {
  database = await freshDatabase();
  sql = connect(database.url, { max: 1, name: "test" });
  await migrate(sql, [{ schema: "timeline", folder: join(root, "sql") }]);
  saga = await Bun.file(join(LAB, "waiting.saga.yaml")).text();
}, 60_000);
beforeEach(async () => {
  await sql`truncate timeline.definition, timeline.definition_revision`;
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
}, 60_000);

/** The definition with this schedule, or none, in a text that no other has. */
function edited(schedule: string | null): { definition: Definition; source: string } {
  edits += 1;
  const source = `${saga}\n${schedule === null ? "" : `schedule: ${schedule}\n`}# edit ${edits}\n`;
  const { definition, diagnostics } = loadDefinition(source, { catalog: null, checks: false });
  if (definition === null) throw new Error(JSON.stringify(diagnostics));
  return { definition, source };
}

const publish = ({ definition, source }: ReturnType<typeof edited>) =>
  publishDefinition(sql, definition, source, false);
const longAgo = () => sql`update timeline.definition set scheduled_since = ${LONG_AGO}, updated_at = ${LONG_AGO}`;
const since = async () => (await scheduleSince(sql, "waiting"))?.since.toISOString();

/** Since when times count after the definition, published long ago with one schedule, is published with another. */
async function sinceAfter(before: string | null, after: string | null): Promise<string | undefined> {
  await publish(edited(before));
  await longAgo();
  await publish(edited(after));
  const found = await since();
  return found === LONG_AGO ? "long ago" : "now";
}

test("an edit beside the schedule, or of how it is written, leaves since when its times count", async () => {
  expect(await sinceAfter(NIGHTLY, NIGHTLY)).toBe("long ago");
  expect(await sinceAfter(NIGHTLY, NIGHTLY_TOO)).toBe("long ago");
});

test("another line of cron or time zone counts from its publication, and so does a schedule that comes back", async () => {
  expect(await sinceAfter(NIGHTLY, AT_FOUR)).toBe("now");
  expect(await sinceAfter(NIGHTLY, IN_TOKYO)).toBe("now");
  expect(await sinceAfter(null, NIGHTLY)).toBe("now");
  await publish(edited(NIGHTLY));
  await publish(edited(null));
  await longAgo();
  await publish(edited(NIGHTLY));
  expect(await since()).not.toBe(LONG_AGO);
});

test("what is not known from before counts as it did: from the edit that is current, and from the next one", async () => {
  const before = edited(NIGHTLY);
  await publish(before);
  await longAgo();
  await sql`update timeline.definition set schedule = null`;
  await publish(before);
  expect(await since()).toBe(LONG_AGO);
  await publish(edited(NIGHTLY));
  expect(await since()).toBe(LONG_AGO);

  await sql`update timeline.definition set schedule = null`;
  await publish(edited(NIGHTLY));
  expect(await since()).not.toBe(LONG_AGO);
});

test("a schedule that an engine of before changed, which writes no schedule, counts from that change", async () => {
  const changed = edited(AT_FOUR);
  await publish(edited(NIGHTLY));
  await longAgo();
  await sql`
    insert into timeline.definition_revision (name, revision, version, source)
    values ('waiting', ${changed.definition.revision}, 1, ${changed.source})
  `;
  await sql`update timeline.definition set revision = ${changed.definition.revision}, updated_at = '2026-02-01T00:00:00Z'`;
  await publish(changed);

  expect(await since()).toBe("2026-02-01T00:00:00.000Z");
});

test("a schedule that was published while the database's clock was ahead counts from the first look after it is put right", async () => {
  await publish(edited(NIGHTLY));
  await sql`update timeline.definition set scheduled_since = clock_timestamp() + interval '10 years'`;
  const first = (await scheduleSince(sql, "waiting")) as { now: Date; since: Date };
  await Bun.sleep(5);
  const second = (await scheduleSince(sql, "waiting")) as { now: Date; since: Date };
  expect([first.since <= first.now, second.since < second.now]).toEqual([true, true]);
});
