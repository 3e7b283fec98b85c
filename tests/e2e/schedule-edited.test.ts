import { afterAll, beforeAll, expect, test } from "bun:test";

import { Client } from "../support/client.ts";
import { type EditableDomains, editableLab } from "../support/editable-domains.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";

/** A saga that starts once a year, and whose definition is edited while no engine runs. */
let domains: EditableDomains;
let engine: TestEngine;
const client = new Client(() => engine.url);
const yearly = (month: number, comment: string) => `# ${comment}
saga: yearly
version: 1
input: { note: string }
schedule:
  cron: "0 3 1 ${month} *"
  input: { note: "\${ schedule.at }" }
steps:
  - step: first
    command: lab.one
    with: { note: "\${ input.note }" }
    compensate: lab.undo
`;

beforeAll(async () => {
  domains = await editableLab();
  await domains.write("yearly", yearly(1, "as it was"));
  engine = await testEngine("embedded", { domains: domains.path });
}, 60_000);
afterAll(async () => {
  await engine?.close();
  await domains?.remove();
}, 60_000);

/** No engine for three years: what was looked at last moves into the past. When it starts again, the file is another. */
async function awayUntil(source: string): Promise<void> {
  await engine.stop();
  await engine.sql`truncate timeline.schedule_run, timeline.start_key`;
  await engine.sql`update timeline.definition set scheduled_since = clock_timestamp() - interval '3 years'`;
  await domains.write("yearly", source);
  await engine.start();
}

const runs = () => engine.sql<{ status: string; saga_id: string | null }[]>`
  select status, saga_id from timeline.schedule_run where definition = 'yearly' order by planned_at
`;

test("a planned time that passed while no engine ran is made up for, although the definition was edited meanwhile", async () => {
  await awayUntil(yearly(1, "as it is now"));
  await eventually("the newest planned time is started", async () => (await runs()).at(-1)?.status === "started");

  const all = await runs();
  expect(all.slice(0, -1).map(({ status }) => status)).toEqual(["skipped", "skipped"]);
  expect((await client.settled(all.at(-1)?.saga_id ?? "")).status).toBe("completed");
}, 60_000);

test("times of a schedule that was not there then are not made up for", async () => {
  await awayUntil(yearly(2, "another month"));
  await Bun.sleep(2_500);

  expect(await runs()).toHaveLength(0);
}, 60_000);
