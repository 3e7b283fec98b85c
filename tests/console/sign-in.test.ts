import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { eventually } from "../support/engine.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let saga: string;
const keys = { admin: "", viewer: "", narrow: "" };

beforeAll(async () => {
  stand = await openStand();
  saga = await stand.order("P-1", "Ito Ken", 450);
  keys.admin = await makeKey("ann", "admin");
  keys.viewer = await makeKey("vic", "viewer");
  keys.narrow = await makeKey("nan", "viewer", ["order"]);
  await eventually("it asks for a key", async () => (await fetch(`${stand.engine.url}/v1/me`)).status === 401);
});

afterAll(() => stand?.close());

test("an engine with keys asks for one, says what is wrong with a bad one, and keeps a good one for the tab", async () => {
  const page = await stand.open(`/sagas/${saga}`);
  await page.getByLabel("Key", { exact: true }).fill("ek_nobody_knows_this_one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
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

async function makeKey(name: string, role: string, definitions?: readonly string[]): Promise<string> {
  const response = await fetch(`${stand.engine.url}/v1/keys`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(keys.admin === "" ? {} : { authorization: `Bearer ${keys.admin}` }),
    },
    body: JSON.stringify({ name, role, expiresAt: null, payloads: true, reason: "a test", definitions }),
  });
  return ((await response.json()) as { key: string }).key;
}
