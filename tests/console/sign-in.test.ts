import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { faultsInAllLooks } from "./axe.ts";
import { eventually } from "../support/engine.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let saga: string;
const keys = { admin: "", viewer: "", narrow: "", operator: "", other: "" };

beforeAll(async () => {
  stand = await openStand();
  saga = await stand.order("P-1", "Ito Ken", 450);
  keys.admin = await makeKey("ann", "admin");
  keys.viewer = await makeKey("vic", "viewer");
  keys.narrow = await makeKey("nan", "viewer", ["order"]);
  keys.operator = await makeKey("olga", "operator");
  keys.other = await makeKey("otto", "operator", ["order"]);
  await eventually("it asks for a key", async () => (await fetch(`${stand.engine.url}/v1/me`)).status === 401);
});

afterAll(() => stand?.close());

test("an engine with keys asks for one, says what is wrong with a bad one, and keeps a good one for the tab", async () => {
  const page = await stand.open(`/sagas/${saga}`);
  await page.getByLabel("Key", { exact: true }).fill("ek_nobody_knows_this_one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  expect(await page.title()).toBe("Sign in · Ekiden");
  expect(await faultsInAllLooks(page, "sign-in")).toEqual([]);
  await page.getByLabel("Key", { exact: true }).fill(keys.admin);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Retry", exact: true }).waitFor();
  await page.locator(".stream.live").waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Retry", exact: true }).waitFor();
  expect(await page.evaluate("JSON.stringify([localStorage, document.cookie])")).not.toContain(keys.admin);

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Key", { exact: true }).waitFor();
  await page.context().close();
});

test("what a role may not do is not there", async () => {
  const page = await stand.open(`/sagas/${saga}`);
  await page.getByLabel("Key", { exact: true }).fill(keys.viewer);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "P-1" }).waitFor();
  for (const name of ["Retry", "Skip", "Resolve", "Cancel saga", "Terminate"]) {
    expect([name, await page.getByRole("button", { name, exact: true }).count()]).toEqual([name, 0]);
  }
  await page.getByRole("link", { name: "Sagas", exact: true }).click();
  await page.getByRole("link", { name: "P-1" }).waitFor();
  expect(await page.getByRole("checkbox").count()).toBe(0);
  await page.getByRole("link", { name: "Parked" }).click();
  await page.getByRole("link", { name: "P-1" }).waitFor();
  expect(await page.getByRole("button", { name: /Retry|Skip|Edit/ }).count()).toBe(0);
  await page.context().close();
});

test("the audit is there for keys that are for all definitions, and not for others", async () => {
  for (const [key, count] of [
    [keys.viewer, 1],
    [keys.narrow, 0],
  ] as const) {
    const page = await stand.open(`/sagas/${saga}`);
    await page.getByLabel("Key", { exact: true }).fill(key);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Related sagas" }).waitFor();
    expect([key, await page.getByRole("heading", { name: "What operators did" }).count()]).toEqual([key, count]);
    await page.context().close();
  }
});

test("groups and connector are moved by an operator alone, and read by whose key is for all definitions", async () => {
  const page = await stand.open("/consumers");
  // As over Kafka, where there is a connector to restart.
  await page.route("**/v1/pipeline", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), transport: "kafka", connector: CONNECTOR } });
  });
  for (const [role, there] of [
    ["viewer", 0],
    ["operator", 1],
  ] as const) {
    await page.getByLabel("Key", { exact: true }).fill(keys[role]);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "shop" }).click();
    await page.getByRole("row").filter({ hasText: "shop.ship" }).waitFor();
    const verbs = async (name: string) => page.getByRole("button", { name, exact: true }).count();
    expect([role, await verbs("Pause"), await verbs("Rewind")]).toEqual([role, there, there]);
    await page.getByRole("link", { name: "Pipeline" }).click();
    await page.getByRole("region", { name: "Connector" }).getByText("RUNNING").first().waitFor();
    await page.getByText(/^\d+ checks are well$/).waitFor();
    expect([role, await verbs("Restart")]).toEqual([role, there]);
    await page.getByRole("link", { name: "Definitions" }).click();
    await page.getByRole("link", { name: "order", exact: true }).click();
    await page.getByRole("link", { name: "Simulate" }).waitFor();
    expect([role, await verbs("Retire")]).toEqual([role, there]);
    await page.getByRole("link", { name: "Simulate" }).click();
    // It changes nothing.
    await page.locator(".verdict").getByText("completed").waitFor();
    await page.getByRole("link", { name: "Consumers" }).click();
    // Who signs out before the page has changed comes back to the one before.
    await page.getByRole("link", { name: "shop" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
  }
  await page.getByLabel("Key", { exact: true }).fill(keys.other);
  await page.keyboard.press("Enter");
  await page.getByText("auth.forbidden").waitFor();
  expect(await page.getByRole("navigation").getByRole("link").allInnerTexts()).toEqual([
    "Overview",
    "Sagas",
    "Parked",
    "Definitions",
  ]);
  await page.context().close();
});

test("who may act for one definition retries its sagas, and is not offered what is for keys of all", async () => {
  const page = await stand.open("/parked");
  for (const [key, there] of [
    [keys.other, 0],
    [keys.operator, 1],
  ] as const) {
    await page.getByLabel("Key", { exact: true }).fill(key);
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "P-1" }).getByRole("button", { name: "Retry", exact: true }).waitFor();
    expect(await page.getByRole("button", { name: /^Retry all/ }).count()).toBe(there);
    await page.getByRole("link", { name: "Sagas", exact: true }).click();
    await page.getByRole("row", { name: /P-1/ }).getByRole("checkbox").check();
    await page.getByRole("button", { name: "Retry 1" }).waitFor();
    expect(await page.getByRole("button", { name: /^Send 1 again/ }).count()).toBe(there);
    await page.getByRole("link", { name: "Parked" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
  }
  await page.context().close();
});

test("who is signed in has all of the header in the window, however wide that is, in both languages", async () => {
  const page = await stand.open("/pipeline");
  await page.getByLabel("Key", { exact: true }).fill(keys.operator);
  await page.keyboard.press("Enter");
  await page.getByText(/^\d+ checks are well$/).waitFor();
  for (const other of ["日本語", "English"]) {
    for (const width of [1440, 1120, 1080, 1024, 990, 970, 910, 700, 390]) {
      await page.setViewportSize({ width, height: 900 });
      const whole = Number(await page.evaluate("document.documentElement.scrollWidth"));
      expect([other, width, whole]).toEqual([other, width, width]);
    }
    await page.getByRole("button", { name: other }).click();
    await page.getByRole("heading", { level: 1, name: /パイプライン|Pipeline/ }).waitFor();
  }
  await page.context().close();
});

test("a refusal that comes late says nothing of a key that was shown since", async () => {
  const page = await stand.open("/consumers");
  await page.getByLabel("Key", { exact: true }).fill(keys.viewer);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "shop" }).waitFor();
  const go = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  // Of the calls that are made after the signing out, and so without a key.
  await page.route("**/v1/**", async (route) => {
    if ("authorization" in route.request().headers()) return route.continue();
    held.resolve();
    await go.promise;
    await route.continue();
  });
  await page.getByRole("button", { name: "Sign out" }).click();
  await held.promise;
  await page.getByLabel("Key", { exact: true }).fill(keys.operator);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "shop" }).waitFor();
  const late = page.waitForResponse((response) => response.status() === 401);
  go.resolve();
  await late;
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)))");
  expect(await page.getByLabel("Key", { exact: true }).count()).toBe(0);
  await page.context().close();
});

const CONNECTOR = {
  name: "ekiden-outbox",
  managed: true,
  state: "RUNNING",
  tasks: [{ id: 0, state: "RUNNING", trace: null }],
  restarts: 0,
  failures: 0,
  lastFailure: null,
  lastFailureAt: null,
  trouble: null,
};

async function makeKey(name: string, role: string, definitions: string[] | null = null): Promise<string> {
  const response = await fetch(`${stand.engine.url}/v1/keys`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(keys.admin === "" ? {} : { authorization: `Bearer ${keys.admin}` }),
    },
    body: JSON.stringify({ name, role, definitions, expiresAt: null, payloads: true, reason: "a test" }),
  });
  return ((await response.json()) as { key: string }).key;
}
