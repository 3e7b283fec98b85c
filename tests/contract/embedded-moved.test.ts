import { expect, test } from "bun:test";
import { join } from "node:path";
import { eventually } from "../support/engine.ts";
import { Collector, timelineDatabase } from "../support/kafka.ts";
import { testPostgres } from "../support/postgres.ts";
import { openSide } from "./open-transport.ts";
import { putNote } from "./put-note.ts";

const GROUP = "dispatcher";

test("an owner that was frozen goes where its group was moved meanwhile, and not on from where it stood", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  await sql`create table seen (message_id text not null, pid integer not null)`;
  const address = { databaseUrl: database.url, kafka: null };
  const side = await openSide(address);
  const owner = Bun.spawn([process.execPath, join(import.meta.dir, "consumer-process.ts"), JSON.stringify(address)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const times = async (id: string) => (await sql`select from seen where message_id = ${id}`).length;
  const committed = async () => {
    const [row] = await sql<{ offset: number }[]>`
      select "offset"::integer from timeline.consumer_offset where consumer_group = ${GROUP}
    `;
    return row?.offset ?? 0;
  };
  try {
    const topics = () => sql`select from timeline.topic where name = 'timeline'`;
    await eventually("it is there", async () => (await topics()).length > 0, 60_000);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await putNote(side));
    await eventually("all is done", async () => (await committed()) === ids.length, 60_000);
    owner.kill("SIGSTOP");
    const over = () => sql`select from timeline.topic_log_position where owner_until < clock_timestamp()`;
    await eventually("its lease runs out", async () => (await over()).length > 0);
    await side.transport.moveIdle(GROUP, "timeline", 0, 1);
    owner.kill("SIGCONT");
    const last = await putNote(side);
    await eventually("it goes on", async () => (await times(last)) > 0);
    await eventually("and has come to the end", async () => (await committed()) === ids.length + 1);
    expect(await Promise.all(ids.map(times))).toEqual([1, 2, 2, 2, 2]);
  } finally {
    owner.kill("SIGKILL");
    await owner.exited;
    await side.close();
    await database.drop();
  }
}, 120_000);

test("a group that gets a member while it is moved from outside is not said to be moved", async () => {
  const database = await timelineDatabase(await testPostgres());
  const { sql } = database;
  const side = await openSide({ databaseUrl: database.url, kafka: null });
  await side.transport.ensureTopics(["timeline"]);
  await side.transport.subscribe(new Collector("others"));
  side.start();
  await putNote(side);
  await sql`insert into timeline.consumer_offset (consumer_group, topic, partition, "offset") values (${GROUP}, 'timeline', 0, 1)`;
  await eventually("it owns the transport", async () =>
    (await side.transport.health()).some(({ detail }) => detail.includes("owned by this process")),
  );

  const holder = await sql.reserve();
  await holder`begin`;
  await holder`select from timeline.consumer_offset where consumer_group = ${GROUP} for update`;
  const moved = side.transport.moveIdle(GROUP, "timeline", 0, 0).then(
    () => "moved",
    (error: Error) => error.message,
  );
  await eventually("it waits for the row", async () => {
    const waits =
      await sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like '%consumer_offset as o%'`;
    return waits.length > 0;
  });
  const late = new Collector(GROUP);
  await side.transport.subscribe(late);
  await holder`commit`;
  holder.release();
  const answer = await moved;
  await side.close();
  await database.drop();
  expect(answer).toBe(`group ${GROUP} has a running member`);
}, 60_000);
