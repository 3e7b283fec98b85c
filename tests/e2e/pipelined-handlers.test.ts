import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Outcome, rejected, type StepContext, succeeded, type Tx } from "ekiden";
import { Client, type SagaJson } from "../support/client.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { type Behaviour, behave, calm } from "../support/lab/lab/behaviour.ts";

const BATCH = 8;

let engine: TestEngine;
const client = new Client(() => engine.url);

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
afterEach(calm);
afterAll(async () => engine?.close(), 30_000);

/** A call's beginning and its end, in the order in which they came. */
interface Passed {
  readonly what: "begins" | "ends";
  readonly note: string;
}

/** As the lab's own work, one statement, with its beginning and its end written down. */
function noted(passed: Passed[], work: Work = insert): Behaviour {
  return async (context, tx, { note }) => {
    passed.push({ what: "begins", note });
    const outcome = await work(context, tx as Tx, note);
    passed.push({ what: "ends", note });
    return outcome;
  };
}

type Work = (context: StepContext, tx: Tx, note: string) => Promise<Outcome<{ note: string }>>;

async function insert(context: StepContext, tx: Tx, note: string): Promise<Outcome<{ note: string }>> {
  await tx`
    insert into lab.effect (step_key, saga_id, action, note) values (${context.stepKey}, ${context.sagaId}, 'one', ${note})
  `;
  return succeeded({ note });
}

/** The commands of several sagas for `lab.one` in one batch; each saga as it ended. */
async function together(name: string): Promise<readonly SagaJson[]> {
  await client.ok("POST", "/v1/consumer-groups/lab/pause", { reason: "test" });
  const sagas: SagaJson[] = [];
  for (let at = 0; at < BATCH; at += 1) sagas.push(await client.start("three", { note: `${name} ${at}` }));
  await client.ok("POST", "/v1/consumer-groups/lab/resume", { reason: "test" });
  return await Promise.all(sagas.map(({ sagaId }) => client.settled(sagaId)));
}

/** Notes of the effects of step one, in the order in which the database made them. */
async function effects(name: string): Promise<readonly string[]> {
  const rows = await engine.sql<{ note: string }[]>`
    select note from lab.effect where action = 'one' and note like ${`${name} %`} order by place
  `;
  return rows.map(({ note }) => note);
}

function all(name: string): readonly string[] {
  return Array.from({ length: BATCH }, (_, at) => `${name} ${at}`);
}

/** Calls that began before the one before them had ended. */
function overlaps(passed: readonly Passed[]): number {
  return passed.filter(({ what }, at) => what === "begins" && passed[at - 1]?.what === "begins").length;
}

beforeEach(async () => {
  // An action is pipelined when it was seen to send one statement, and a failure makes it rest for a second.
  await Bun.sleep(1_100);
  await together(`warm ${crypto.randomUUID()}`);
}, 60_000);

test("handlers that send one statement each are called when the one before has sent its own, in the batch's order", async () => {
  const passed: Passed[] = [];
  behave("one", "*", noted(passed));
  const ends = await together("single");
  expect(ends.map(({ status }) => status)).toEqual(all("single").map(() => "completed"));
  // The first command may have gone alone, before the others came.
  expect(overlaps(passed)).toBeGreaterThan(BATCH / 2);
  expect(await effects("single")).toEqual(passed.filter(({ what }) => what === "begins").map(({ note }) => note));
  expect([...(await effects("single"))].sort()).toEqual([...all("single")]);
}, 60_000);

test("what a handler does before its statement is over before the next one is called", async () => {
  const passed: Passed[] = [];
  let inside = 0;
  let most = 0;
  const work: Work = async (context, tx, note) => {
    inside += 1;
    most = Math.max(most, inside);
    await Bun.sleep(5);
    const sent = insert(context, tx, note);
    inside -= 1;
    return sent;
  };
  behave("one", "*", noted(passed, work));
  await together("first");
  expect(most).toBe(1);
  expect([...(await effects("first"))].sort()).toEqual([...all("first")]);
}, 60_000);

test("one that breaks a constraint is found among the others: it alone is tried again", async () => {
  const passed: Passed[] = [];
  const work: Work = async (context, tx, note) => {
    if (note === "broken 3" && context.attempt === 1) {
      await tx`insert into lab.effect (step_key, saga_id, action) values (null, ${context.sagaId}, 'one')`;
      throw new Error("the statement before fails");
    }
    return insert(context, tx, note);
  };
  behave("one", "*", noted(passed, work));
  const ends = await together("broken");
  expect(ends.map(({ status }) => status)).toEqual(all("broken").map(() => "completed"));
  expect(ends.map(({ steps }) => steps.find(({ path }) => path === "first")?.attempts)).toEqual(
    all("broken").map((note) => (note === "broken 3" ? 2 : 1)),
  );
  expect([...(await effects("broken"))].sort()).toEqual([...all("broken")]);
  expect(overlaps(passed)).toBeGreaterThan(0);
}, 60_000);

test("one that is rejected after it has written leaves nothing, and the others are none the worse", async () => {
  const passed: Passed[] = [];
  const work: Work = async (context, tx, note) => {
    const outcome = await insert(context, tx, note);
    return note === "refused 2" ? rejected("no", "written and then refused") : outcome;
  };
  behave("one", "*", noted(passed, work));
  const ends = await together("refused");
  expect(ends.map(({ status }) => status)).toEqual(
    all("refused").map((note) => (note === "refused 2" ? "failed" : "completed")),
  );
  expect([...(await effects("refused"))].sort()).toEqual(all("refused").filter((note) => note !== "refused 2"));
  expect(overlaps(passed)).toBeGreaterThan(0);
}, 60_000);

test("many quick statements may take longer together than one alone may: none is cancelled, each handler runs once", async () => {
  const passed: Passed[] = [];
  const work: Work = async (context, tx, note) => {
    await tx`
      insert into lab.effect (step_key, saga_id, action, note)
      select ${context.stepKey}, ${context.sagaId}, 'one', ${note} from pg_sleep(0.08)
    `;
    return succeeded({ note });
  };
  behave("one", "*", noted(passed, work));
  const ends = await together("steady");
  expect(ends.map(({ status }) => status)).toEqual(all("steady").map(() => "completed"));
  expect(overlaps(passed)).toBeGreaterThan(BATCH / 2);
  expect(passed.filter(({ what }) => what === "begins")).toHaveLength(BATCH);
}, 60_000);

test("one whose statement takes too long is set aside, and nobody else's transaction is cancelled", async () => {
  const passed: Passed[] = [];
  const work: Work = async (context, tx, note) => {
    if (note !== "hangs 4") return insert(context, tx, note);
    await tx`
      insert into lab.effect (step_key, saga_id, action, note)
      select ${context.stepKey}, ${context.sagaId}, 'one', ${note} from pg_sleep(1)
    `;
    return succeeded({ note });
  };
  behave("one", "*", noted(passed, work));
  const before = engine.log.length;
  const ends = await together("hangs");
  expect(ends.map(({ status }) => status)).toEqual(all("hangs").map(() => "completed"));
  expect([...(await effects("hangs"))].sort()).toEqual([...all("hangs")]);
  // Together, one after another until it is found, the others without it: no batch had no outcome.
  expect(engine.log.slice(before).filter((line) => line.includes("had no outcome"))).toEqual([]);
}, 60_000);

test("a second statement that nobody awaits is refused like any other, and ends nothing", async () => {
  const strays: unknown[] = [];
  const work: Work = async (context, tx, note) => {
    const outcome = insert(context, tx, note);
    if (note.startsWith("stray") && note !== "stray 0") strays.push(tx`select 1`.execute());
    return outcome;
  };
  behave("three", "*", noted([], work));
  // Unhandled rejections would fail the test run.
  const ends = await together("stray");
  expect(ends.map(({ status }) => status)).toEqual(all("stray").map(() => "completed"));
}, 60_000);

test("one that asks once more because of somebody else's failure does not give its action away", async () => {
  const work: Work = async (context, tx, note) => {
    if (note === "asks 5" && context.attempt === 1)
      await tx`insert into lab.effect (step_key, saga_id, action) values (null, ${context.sagaId}, 'one')`;
    try {
      return await insert(context, tx, note);
    } catch (error) {
      await tx`select 1`;
      throw error;
    }
  };
  behave("one", "*", noted([], work));
  const ends = await together("asks");
  expect(ends.map(({ status }) => status)).toEqual(all("asks").map(() => "completed"));

  await Bun.sleep(1_100);
  const passed: Passed[] = [];
  behave("one", "*", noted(passed));
  await together("again");
  expect(overlaps(passed)).toBeGreaterThan(0);
}, 60_000);

test("after one that fails by itself the next batches find out one by one, for a while", async () => {
  const passed: Passed[] = [];
  const work: Work = async (context, tx, note) => {
    if (note === "throws 3" && context.attempt === 1) throw new Error("before any statement");
    return insert(context, tx, note);
  };
  behave("one", "*", noted(passed, work));
  const ends = await together("throws");
  expect(ends.map(({ status }) => status)).toEqual(all("throws").map(() => "completed"));
  expect(overlaps(passed)).toBeGreaterThan(0);

  const next: Passed[] = [];
  behave("one", "*", noted(next));
  await together("rests");
  expect(overlaps(next)).toBe(0);
}, 60_000);

test("one that sends a second statement takes no effect until it runs alone; then its action goes one after another", async () => {
  const seen: number[] = [];
  const work: Work = async (context, tx, note) => {
    const outcome = await insert(context, tx, note);
    // The first may go before the others, and must not give them away.
    if (!note.startsWith("several") || note === "several 0") return outcome;
    const rows = await tx<{ n: number }[]>`select count(*)::integer as n from lab.effect where note like 'several %'`;
    seen.push(rows[0]?.n ?? 0);
    return outcome;
  };
  behave("one", "*", noted([], work));
  const ends = await together("several");
  expect(ends.map(({ status }) => status)).toEqual(all("several").map(() => "completed"));
  expect([...(await effects("several"))].sort()).toEqual([...all("several")]);
  // Each saw the rows of those before it and its own; with all first statements before the second ones they see the same.
  expect(new Set(seen).size).toBeGreaterThan(BATCH / 2);

  const passed: Passed[] = [];
  behave("one", "*", noted(passed));
  await together("alone");
  expect(overlaps(passed)).toBe(0);
}, 60_000);
