import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../../engine/timeline/database.ts";
import { Lease } from "../../engine/transport/embedded/lease.ts";
import { LeaseKeeper } from "../../engine/transport/embedded/lease-keeper.ts";
import { eventually } from "../support/engine.ts";
import { timelineDatabase, type TimelineDatabase } from "../support/kafka.ts";
import { postgresProxy } from "../support/postgres-proxy.ts";

const OWNER = "here/1/ABCDEF";

let database: TimelineDatabase;

beforeAll(async () => {
  database = await timelineDatabase();
}, 60_000);
afterAll(async () => database?.drop(), 60_000);

test("an owner that computes nothing, and whose own connection has fallen silent, lets the lease run out", async () => {
  const proxy = await postgresProxy(database.url);
  const writer = connect(proxy.url, { max: 1, name: OWNER });
  const problem = () => {};
  const keeper = new LeaseKeeper({ databaseUrl: database.url, owner: OWNER, process: "ABCDEF", problem });
  const lease = new Lease(writer, OWNER, keeper);
  const rounds = setInterval(() => lease.check(), 250);
  const left = async () => {
    const [row] = await database.sql<{ left: number }[]>`
      select extract(epoch from owner_until - clock_timestamp())::float8 as left from timeline.topic_log_position
    `;
    return row?.left ?? 0;
  };
  try {
    expect(await lease.acquire()).toBe(true);
    // The thread is up, and the loop has renewed it.
    await Bun.sleep(2_500);
    expect(await left()).toBeGreaterThan(0);
    proxy.silence();
    // A standby takes it over; what is sent on a new connection would say that the owner is well.
    await eventually("it has run out", async () => (await left()) < 0, 8_000);
  } finally {
    clearInterval(rounds);
    proxy.heal();
    await lease.release();
    await keeper.stop();
    await writer.end({ timeout: 1 });
    await proxy.close();
  }
}, 60_000);

test("a process in which no thread can be made owns the transport all the same, and says what it lacks", () => {
  const problems: string[] = [];
  const problem = (what: string) => void problems.push(what);
  const keeper = new LeaseKeeper({ databaseUrl: database.url, owner: OWNER, process: "ABCDEF", problem });
  const real = globalThis.Worker;
  try {
    globalThis.Worker = class {
      constructor() {
        throw new Error("no thread left");
      }
    } as never;
    keeper.held(1);
  } finally {
    globalThis.Worker = real;
    keeper.lost();
  }
  expect(problems).toEqual([expect.stringContaining("the thread that keeps the lease has failed")]);
});
