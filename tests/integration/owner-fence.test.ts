import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Sql } from "postgres";
import { connect } from "../../engine/timeline/database.ts";
import { domainUrl } from "../../engine/timeline/domain-role.ts";
import { open, openOwn } from "../../engine/participant/claimed.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { openEvents } from "../../engine/timeline/saga-row.ts";
import { type Store, transact, transactOpening, type Unit } from "../../engine/timeline/store.ts";
import { Lease } from "../../engine/transport/embedded/lease.ts";
import { eventually } from "../support/engine.ts";
import { type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";

let database: TimelineDatabase;
let admin: Sql;
/** A pool of an engine that is no superuser, and the address it used. */
let engine: Sql<{ bigint: number }>;
let engineUrl: string;
let role: string;
let next: Sql<{ bigint: number }> | undefined;
const opened: Sql<{ bigint: number }>[] = [];

beforeAll(async () => {
  database = await timelineDatabase();
  admin = database.sql;
  role = `plain_${crypto.randomUUID().slice(0, 8)}`;
  const name = new URL(database.url).pathname.slice(1);
  await admin.unsafe(`
    create role ${role} login createrole password 'plain';
    alter database ${name} owner to ${role};
    alter schema timeline owner to ${role};
    create schema north authorization ${role};
    do $$ declare v record; begin
      for v in select oid::regclass as name from pg_class where relnamespace = 'timeline'::regnamespace and relkind in ('r', 'p', 'v') loop
        execute format('alter table %s owner to ${role}', v.name);
      end loop;
      for v in select oid::regprocedure as name from pg_proc where pronamespace = 'timeline'::regnamespace loop
        execute format('alter function %s owner to ${role}', v.name);
      end loop;
    end $$;
  `);
  const url = new URL(database.url);
  url.username = role;
  url.password = "plain";
  engineUrl = url.href;
  engine = pool(engineUrl, "engine");
}, 60_000);

beforeEach(async () => {
  await admin`update timeline.topic_log_position set owner = null, owner_until = null`;
});

afterAll(async () => {
  for (const sql of opened) await sql.end({ timeout: 5 });
  await database?.drop();
}, 60_000);

function pool(url: string, name: string, process = "OLDONE"): Sql<{ bigint: number }> {
  const sql = connect(url, { max: 2, name, process });
  opened.push(sql);
  return sql;
}

const storeOf = (sql: Sql<{ bigint: number }>, lease: Lease): Store => ({
  sql,
  producer: "north@test",
  ownerEpoch: () => lease.epoch,
  handOver: () => ({ committed: () => {}, abandoned: () => {} }),
});

/** Takes the lease over as if its owner had been silent for too long. */
async function overtake(): Promise<void> {
  next ??= pool(engineUrl, "next", "NEWONE");
  await admin`update timeline.topic_log_position set owner_until = clock_timestamp() - interval '1 second'`;
  expect(await new Lease(next, "here/2/NEWONE").acquire()).toBe(true);
}

const topics = async () => (await admin`select name from timeline.topic`).map((row) => row["name"]);

test("a transaction of the former owner cannot begin: nothing that it sends is kept", async () => {
  const former = new Lease(engine, "here/1/OLDONE");
  expect(await former.acquire()).toBe(true);
  await transact(storeOf(engine, former), ({ tx }) => tx`insert into timeline.topic (name) values ('before')`);
  await overtake();

  const late = transact(storeOf(engine, former), ({ tx }) => tx`insert into timeline.topic (name) values ('after')`);
  expect(await late.catch((error: { code: string }) => error.code)).toBe("57EK1");
  expect(await topics()).toEqual(["before"]);
});

test("nor can a batch of the former owner begin, whose fence stands in its opening statement", async () => {
  const former = new Lease(engine, "here/1/OLDONE");
  await former.acquire();
  const store = storeOf(engine, former);
  const at = { partition: 0, offset: 0, recordedAt: new Date(), receivedAt: new Date() };
  const delivery = { topic: "north.act", ...at, key: newId(), headers: { id: newId() }, value: "{}" };
  const named = { type: "step.requested", saga: "s", action: "act", attempt: "1" };
  const command = { ...delivery, headers: { ...delivery.headers, ...named, step_key: `${newId()}/a` } };
  const events = (unit: Unit, epoch: number | null) =>
    openEvents(unit.tx, epoch, [newId()], [newId()], { sagas: new Map(), writer: newId() });
  const commands = async (unit: Unit, epoch: number | null) => (await open(unit, "north", [delivery], epoch))[0];
  const ownCommands = async (unit: Unit, epoch: number | null) => (await openOwn(unit, "north", [command], epoch))[0];
  const outcomes = () =>
    Promise.all(
      [events, commands, ownCommands].map((opening) =>
        transactOpening(store, async (unit, epoch) => ({
          xid: (await opening(unit, epoch))?.xid ?? "",
          value: "begun",
        })).catch((error: { code: string }) => error.code),
      ),
    );
  expect(await outcomes()).toEqual(["begun", "begun", "begun"]);
  await overtake();

  expect(await outcomes()).toEqual(["57EK1", "57EK1", "57EK1"]);
});

test("a handler's transaction that the former owner has open is ended before the next owner begins", async () => {
  const former = new Lease(engine, "here/1/OLDONE");
  await former.acquire();
  const north = pool(await domainUrl(engine, engineUrl, "north"), "north");
  await engine`create table if not exists north.effect (name text)`;
  await domainUrl(engine, engineUrl, "north");
  let opens: () => void = () => {};
  let wakes: () => void = () => {};
  const open = new Promise<void>((resolve) => {
    opens = resolve;
  });
  const awake = new Promise<void>((resolve) => {
    wakes = resolve;
  });
  const stopped = transact(
    storeOf(engine, former),
    async ({ tx }) => {
      await tx`insert into north.effect (name) values ('open while it was stopped')`;
      opens();
      await awake;
    },
    north,
  ).then(
    () => "committed",
    (error: { code: string }) => error.code,
  );
  await open;
  await overtake();
  wakes();

  expect(await stopped).not.toBe("committed");
  expect(await admin`select name from north.effect`).toHaveLength(0);
}, 30_000);

test("what the former owner's API has open is ended too, and another process' is left alone", async () => {
  const former = new Lease(engine, "here/1/OLDONE");
  await former.acquire();
  const own = await engine.reserve();
  const other = await admin.reserve();
  await own`begin`;
  await own`insert into timeline.topic (name) values ('of_a_call')`;
  await other`begin`;
  await other`insert into timeline.topic (name) values ('of_another_process')`;
  await overtake();

  await other`commit`;
  other.release();
  await eventually("the call was cut", () =>
    own`commit`.then(
      () => false,
      () => true,
    ),
  );
  expect(await topics()).toEqual(["before", "of_another_process"]);
}, 30_000);
