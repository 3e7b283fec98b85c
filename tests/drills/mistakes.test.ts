import { afterAll, beforeAll, expect, test } from "bun:test";

import { DRILL_MS, Drill, PATIENCE_MS } from "../support/drill.ts";
import { eventually } from "../support/engine.ts";
import { copyTree, type Tree } from "../support/tree.ts";

const DEFINITION = "domains/onboarding.saga.yaml";
const RULE = "domains/screening/decide.ts";
const MENDED = "export function decide(applicant: Applicant, credit: Credit): Decision {";
/** A points table that an engineer got wrong: it throws for everybody over 30. */
const BROKEN = `${MENDED}\n  if (applicant.age > 30) throw new Error("no points for this age");`;

let tree: Tree;
let drill: Drill;

beforeAll(async () => {
  tree = await copyTree();
  // Quick attempts, so that sagas are parked soon.
  await tree.edit(DEFINITION, /retry: \{[^}]*\}/, "retry: { attempts: 2, backoff: 100ms, factor: 1 }");
  drill = await Drill.open({ folder: tree.path });
  await drill.run(2);
}, DRILL_MS);

afterAll(async () => {
  await drill?.close();
  await tree?.remove();
}, DRILL_MS);

test(
  "a definition is broken while two engines run: sagas go on with the last good one, and the mended one is taken in",
  async () => {
    await drill.turnTo("A definition is broken");
    await drill.apply(6);

    drill.clock.broken();
    await tree.edit(DEFINITION, "command: contract.conclude", "command: contract.conclud");
    await eventually("the engines say so", async () => (await broken()).length > 0, PATIENCE_MS);
    drill.clock.noticed();
    await drill.apply(6);
    const { code, output } = await drill.shell.run("bun run ekiden check");
    expect([code, output]).toEqual([1, expect.stringContaining("Did you mean `contract.conclude`?")]);

    await tree.edit(DEFINITION, "command: contract.conclud\n", "command: contract.conclude # the pivot\n");
    await tree.edit(DEFINITION, "version: 1", "version: 2");
    await eventually("it is taken in", async () => (await broken()).length === 0, PATIENCE_MS);
    expect(await drill.follow("worked")).toContain("0 errors");
    await drill.apply(6);
    await drill.healed();

    const used = await drill.sql`select version, count(*)::integer as sagas from timeline.saga group by 1 order by 1`;
    expect([...used]).toEqual([
      { version: 1, sagas: 12 },
      { version: 2, sagas: 6 },
    ] as never);
    expect(await drill.audit()).toEqual([]);
  },
  DRILL_MS,
);

test(
  "somebody else writes into two topics: the rows say so, nothing of it runs, and the sagas go on",
  async () => {
    await drill.turnTo("Somebody else writes into a topic");
    const producer = drill.kafka().producer();
    await producer.connect();
    drill.clock.broken();
    for (const topic of ["timeline", "screening.examine"]) {
      const messages = ["{", '{"input":{}}'].map((value) => ({
        key: "A-0001",
        value,
        headers: { id: "not one of ours" },
      }));
      await producer.send({ topic: drill.prefix + topic, messages });
    }
    await producer.disconnect();
    await drill.apply(6);
    const found = await eventually(
      "all have their rows",
      async () => {
        const output = await drill.follow("check");
        return output.trim().split("\n").length >= 4 && output;
      },
      PATIENCE_MS,
    );
    expect(found).toContain("message.foreign");
    await drill.healed();

    expect(await drill.follow("worked")).toContain("screening");
    expect(await drill.audit()).toEqual([]);
  },
  DRILL_MS,
);

test(
  "a handler throws for most applicants: mended and rewound to the first error, exactly what failed runs again",
  async () => {
    await drill.turnTo("A handler fails on its messages");
    await drill.end();
    await tree.edit(RULE, MENDED, BROKEN);
    await drill.run(2);
    drill.clock.broken();
    await drill.apply(12);
    await eventually(
      "sagas are parked",
      async () => (await drill.onTheirWay()).every((line) => / parked /.test(line)),
      PATIENCE_MS,
    );
    const wrong = await parked();
    drill.clock.noticed();
    expect(await drill.follow("check")).toContain("no points for this age");
    const before = await effectsOfScreening();

    await tree.edit(RULE, BROKEN, MENDED);
    await drill.end();
    await drill.run(2);
    expect(await drill.follow("action")).toContain("screening: moved");
    await drill.healed();

    expect(await effectsOfScreening()).toBe(before + wrong);
    expect(await drill.follow("worked")).toContain("handler mended");
    expect(await drill.audit()).toEqual([["group.rewind", "screening", "handler mended"]]);
  },
  DRILL_MS,
);

/** Files that are not in use, as the API shows them. */
async function broken(): Promise<unknown[]> {
  return ((await drill.client.ok("GET", "/v1/definitions")) as { broken: unknown[] }).broken;
}

async function parked(): Promise<number> {
  const [row] = await drill.sql<{ sagas: number }[]>`
    select count(*)::integer as sagas from timeline.saga where status = 'parked'
  `;
  return row?.sagas ?? 0;
}

async function effectsOfScreening(): Promise<number> {
  const [row] = await drill.sql<{ rows: number }[]>`select count(*)::integer as rows from screening.screening`;
  return row?.rows ?? 0;
}
