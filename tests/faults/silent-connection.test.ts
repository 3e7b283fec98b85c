import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { eventually } from "../support/engine.ts";
import type { Fate, Message } from "../support/postgres-proxy.ts";
import { type ProxiedEngine, proxiedEngine } from "../support/proxied-engine.ts";

const SAGAS = 12;

let lab: ProxiedEngine;
/** What the API answered to starts, all in all. */
const answered = new Set<number>();

beforeAll(async () => {
  lab = await proxiedEngine({ EKIDEN_STATEMENT_TIMEOUT: "1" });
}, 60_000);
afterEach(() => {
  lab.proxy.decide(() => "pass");
  lab.proxy.heal();
});
afterAll(async () => lab?.close(), 60_000);

/** Where the network falls silent. An answer that is held back was given: what it answers has been done. */
const MOMENTS: readonly (readonly [when: string, (message: Message) => boolean])[] = [
  ["in mid-statement", ({ from, text }) => from === "server" && text.startsWith("INSERT 0 1\0")],
  ["before a commit arrives", ({ type, statement }) => type === "B" && statement === "commit"],
  ["before a commit is acknowledged", ({ from, text }) => from === "server" && text.startsWith("COMMIT\0")],
];

for (const [when, strikes] of MOMENTS) {
  test(`a network that falls silent ${when} stops nothing for longer than it lasts`, async () => {
    lab.proxy.decide(once((message) => message.application === "ekiden lab batches" && strikes(message)));
    const accepted = starts("patient");
    await silentUntilGivenUp();
    lab.proxy.heal();
    await eventually("readiness is green again", async () => (await lab.ready()) === 200, 40_000);

    expect(await lab.ends(await accepted)).toEqual({ completed: SAGAS, undone: 0 });
  }, 90_000);
}

test("a network that falls silent while nothing runs stops nothing for longer than it lasts", async () => {
  const before = await starts("patient");
  await lab.ends(before);
  lab.proxy.silence();
  const accepted = starts("patient");
  await silentUntilGivenUp();
  // A start whose fate is not known is answered 503, never 500.
  await eventually("a start is answered", async () => answered.has(503), 40_000);
  lab.proxy.heal();
  await eventually("readiness is green again", async () => (await lab.ready()) === 200, 40_000);
  const more = await starts("patient");

  expect(await lab.ends([...(await accepted), ...more])).toEqual({ completed: 2 * SAGAS, undone: 0 });
  expect([...answered].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
}, 90_000);

/** Starts sagas; those whose answer was lost or refused are started again under their key, until they are accepted. */
async function starts(definition: string): Promise<readonly string[]> {
  const one = (note: string) =>
    eventually(
      `${note} is accepted`,
      async () => {
        const key = { "idempotency-key": note };
        const { status, json } = await lab.client.call("POST", `/v1/sagas/${definition}`, { note }, key);
        answered.add(status);
        return (status === 201 || status === 200) && (json as { sagaId: string }).sagaId;
      },
      60_000,
    );
  return Promise.all(Array.from({ length: SAGAS }, () => one(crypto.randomUUID())));
}

/** Waits until the network is silent, readiness red, and the engine has given a connection up. */
async function silentUntilGivenUp(): Promise<void> {
  const from = lab.log.length;
  await eventually("the network is silent", async () => lab.proxy.silent);
  await eventually("readiness is red", async () => (await lab.ready()) === 503, 40_000);
  await eventually(
    "a connection is given up",
    async () => lab.log.slice(from).some((line) => line.includes("CONNECTION_SILENT")),
    40_000,
  );
}

function once(strikes: (message: Message) => boolean): (message: Message) => Fate {
  let struck = false;
  return (message) => {
    if (struck || !strikes(message)) return "pass";
    struck = true;
    return "silence";
  };
}
