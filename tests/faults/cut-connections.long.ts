import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
  await lab.another();
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

test("sagas survive connections that are cut again and again, with a standby, cancels and rewinds", async () => {
  const accepted = new Set<string>();
  let on = true;
  let cuts = 0;
  const cutting = (async () => {
    while (on) {
      await Bun.sleep(250);
      const cut = await lab.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'ekiden%' and random() < 0.3`;
      cuts += cut.length;
    }
  })();
  const rewinding = (async () => {
    while (on) {
      await Bun.sleep(700);
      await client
        .call("POST", "/v1/consumer-groups/lab/rewind", { topic: "lab.two", partition: 0, offset: 0, reason: "test" })
        .catch(() => {});
      await client
        .call("POST", "/v1/consumer-groups/dispatcher/rewind", {
          topic: "timeline",
          partition: 0,
          offset: 0,
          reason: "test",
        })
        .catch(() => {});
    }
  })();
  let number = 0;
  const starter = async () => {
    while (on) {
      number += 1;
      const note = `chaos ${number}`;
      const definition = number % 3 === 0 ? "waiting" : number % 3 === 1 ? "three" : "pivoted";
      const input = definition === "waiting" ? { note, patience: number % 2 === 0 ? "short" : "long" } : { note };
      try {
        const { status, json } = await client.call("POST", `/v1/sagas/${definition}`, input, {
          "idempotency-key": note,
        });
        if (status === 201 || status === 200) {
          const { sagaId } = json as { sagaId: string };
          accepted.add(sagaId);
          if (number % 7 === 0) await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "chaos" });
          if (definition === "waiting")
            await client.call("POST", `/v1/sagas/${sagaId}/signals/decided`, { ok: number % 5 !== 0 });
        }
      } catch {
        // The API's answer was lost with its connection.
      }
      await Bun.sleep(10);
    }
  };
  const starting = Promise.all([starter(), starter(), starter()]);
  await Bun.sleep(12_000);
  // A slow machine gets as long as it needs to get something through.
  await eventually("enough sagas were accepted", async () => accepted.size > 20, 60_000);
  on = false;
  await Promise.all([cutting, rewinding, starting]);
  console.error("accepted", accepted.size, "cuts", cuts);

  await everySagaEnds();
  await effectsAreUndoneOrKept();
  await noLag();
  const sequences = await lab.sql`
    select c.correlation_id from timeline.event_consumption c where consumer_group = 'dispatcher' and sequence is not null
    group by 1 having count(*) <> max(sequence) or count(distinct sequence) <> count(*)`;
  expect(sequences).toHaveLength(0);
}, 180_000);

async function everySagaEnds(): Promise<void> {
  await eventually(
    "every saga ends but those that wait",
    async () => {
      const open = await lab.sql`
      select s.id, s.status, s.definition, s.state->'waitingFor' as w from timeline.saga s
      where s.status in ('running', 'compensating', 'parked') and s.state->'waitingFor' = '[]'::jsonb`;
      if (open.length > 0) throw new Error(JSON.stringify(open.slice(0, 5)));
      return true;
    },
    60_000,
  );
}

async function effectsAreUndoneOrKept(): Promise<void> {
  const wrong = await lab.sql`
    select s.id, s.status, (select count(*) from lab.effect e where e.saga_id = s.id and e.action <> 'tell') as effects,
      (select count(*) from lab.undone u where u.saga_id = s.id) as undone
    from timeline.saga s where s.status in ('failed', 'cancelled', 'completed')`;
  for (const row of wrong) {
    if (row["status"] === "completed")
      expect({ ...row, effects: Number(row["effects"]), undone: Number(row["undone"]) }).toMatchObject({ undone: 0 });
    else expect(Number(row["undone"])).toBe(Number(row["effects"]));
  }
}

async function noLag(): Promise<void> {
  await eventually(
    "no lag",
    async () => {
      const { items } = (await client.ok("GET", "/v1/consumer-groups")) as {
        items: { lag: number; group: string; partitions: { topic: string; lag: number }[] }[];
      };
      const total = items
        .flatMap((g) => g.partitions)
        .filter((p) => p.topic !== "lab.elsewhere")
        .reduce((a, p) => a + p.lag, 0);
      if (total > 0) throw new Error(JSON.stringify(items.map((g) => [g.group, g.lag])));
      return true;
    },
    20_000,
  );
}
