import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { eventually } from "../support/engine.ts";
import { testStack } from "../support/stack.ts";
import { axeFaults, faultsInAllLooks } from "./axe.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(120_000);

/** The connector reads this column of a message to know its topic. */
const ROUTE = "transforms.outbox.route.by.field";

const LIGHT_WIDE = ["light", 1280, false] as const;
const DARK_NARROW = ["dark", 390, false] as const;

let stand: Stand;

beforeAll(async () => {
  stand = await openStand({}, undefined, "kafka");
});

afterAll(() => stand?.close());

test("pipeline and consumers over Kafka are clean under axe, wide and narrow, and as wide as the window", async () => {
  await stand.order("K-1", "Ito", 100);
  const page = await stand.open("/pipeline");
  const looked = async (path: string, there: string) => {
    await page.goto(`${stand.line.url}${path}`);
    return faultsInAllLooks(page, path, { there, looks: [LIGHT_WIDE, DARK_NARROW] });
  };
  expect(await looked("/pipeline", "[aria-label='Connector'] dd")).toEqual([]);
  expect(await looked("/consumers?group=shop", "td")).toEqual([]);
  await page.context().close();
});

test("a task that has failed is shown apart from its connector, and a restart with a reason lets it go on", async () => {
  const page = await stand.open("/pipeline");
  const connector = page.getByRole("region", { name: "Connector" });
  const fact = (name: string) => connector.locator("dl.facts > div").filter({ hasText: new RegExp(`^${name}`) });
  await fact("Task 0").getByText("RUNNING").waitFor();

  await misroute();
  const sagaId = await stand.start("order", { orderNo: "K-2", customer: "Ito", amount: 100 });
  await fact("Task 0").getByText("FAILED").waitFor();
  await fact("State").getByText("RUNNING").waitFor();
  await fact("Last failure").getByText("no_such_column").waitFor();
  await fact("Task 0")
    .getByText(/Exception/)
    .waitFor();
  expect(await axeFaults(page)).toEqual([]);

  await connector.getByRole("button", { name: "Restart" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("somebody changed its configuration");
  await dialog.getByRole("button", { name: "Restart" }).click();
  await dialog.waitFor({ state: "detached" });
  await fact("Task 0").getByText("RUNNING").waitFor();
  await eventually("what stood still goes on", async () => {
    const saga = (await (await fetch(`${stand.engine.url}/v1/sagas/${sagaId}`)).json()) as { status: string };
    return saga.status === "completed";
  });
  const audit = await (await fetch(`${stand.engine.url}/v1/audit?action=pipeline.restart`)).json();
  expect(audit).toMatchObject({ items: [{ target: name(), reason: "somebody changed its configuration" }] });
  await page.context().close();
});

function name(): string {
  return `${stand.engine.prefix}ekiden-outbox`;
}

/** As somebody does who edits the connector in Kafka Connect: its task fails on the next message, however often it is begun. */
async function misroute(): Promise<void> {
  const url = `${(await testStack()).connectUrl}/connectors/${encodeURIComponent(name())}/config`;
  const config = { ...((await (await fetch(url)).json()) as object), [ROUTE]: "no_such_column" };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify(config) });
  if (!answer.ok) throw new Error(await answer.text());
}
