import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rejected } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";
import { expectVerified } from "../support/verified.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

interface Child {
  readonly id: string;
  readonly reversal: string | null;
  /** Its transitions under a final status, its end among them. */
  readonly final: number;
}

const childOf = async (sagaId: string) =>
  (
    await lab.sql<Child[]>`
      select s.id, s.state->>'reversal' as reversal, (
        select count(*)::integer from timeline.event_consumption c
        where c.correlation_id = s.id and c.consumer_group = 'dispatcher' and c.status = 'completed'
      ) as final
      from timeline.saga s where s.parent_id = ${sagaId} and s.status = 'completed'
    `
  )[0];

/** No more is asked of it. */
const settledChildOf = (sagaId: string) =>
  eventually("the child has heard its parent", async () => {
    const child = await childOf(sagaId);
    return child?.reversal === "done" ? child : undefined;
  });

const finished = async (definition: string, status: string) => {
  const text = await (await fetch(`${lab.url}/metrics`)).text();
  const name = `ekiden_sagas_finished_total{definition="${definition}",status="${status}"} `;
  const line = text.split("\n").find((each) => each.startsWith(name));
  return line === undefined ? 0 : Number(line.slice(name.length));
};

const listed = async (query: string) => {
  const { items } = (await client.ok("GET", `/v1/sagas?${query}`)) as { items: { sagaId: string }[] };
  return items.map(({ sagaId }) => sagaId);
};

test("a child's end counts once, whether its parent releases it later or takes it back", async () => {
  // Counting begins with the first look.
  await finished("kid", "completed");
  const { sagaId: root } = await client.start("guardian", { note: "released" });
  const { id: child } = await eventually("the child has completed", () => childOf(root));
  await eventually("the root waits", async () => (await client.saga(root)).waitingFor?.length === 1);
  await Bun.sleep(50);
  const since = new Date().toISOString();
  await client.ok("POST", `/v1/sagas/${root}/signals/decided`, { ok: true });
  expect((await client.settled(root)).status).toBe("completed");
  expect(await settledChildOf(root)).toEqual({ id: child, reversal: "done", final: 2 });

  expect([await finished("guardian", "completed"), await finished("kid", "completed")]).toEqual([1, 1]);
  expect(await listed(`status=completed&endedAfter=${since}`)).toEqual([root]);

  behave("three", "*", () => rejected("no", "on purpose"));
  const { sagaId: undone } = await client.start("family", { note: "taken back", child: "kid" }, "?wait=30s");
  expect((await settledChildOf(undone)).final).toBeGreaterThan(2);

  expect([await finished("family", "failed"), await finished("kid", "completed")]).toEqual([1, 2]);
  const { definitions, minutes } = (await client.ok("GET", "/v1/overview")) as {
    definitions: { definition: string; completed: number; failed: number }[];
    minutes: { started: number; completed: number; ended: number }[];
  };
  expect(definitions.map((each) => [each.definition, each.completed, each.failed])).toEqual([
    ["family", 0, 1],
    ["guardian", 1, 0],
    ["kid", 2, 0],
  ]);
  const sum = (of: "started" | "completed" | "ended") => minutes.reduce((all, minute) => all + minute[of], 0);
  expect([sum("started"), sum("completed"), sum("ended")]).toEqual([4, 3, 1]);
  await expectVerified(lab.url);
}, 60_000);
