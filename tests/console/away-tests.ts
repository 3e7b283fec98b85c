import { expect, test } from "bun:test";

import type { Locator } from "playwright-core";

import type { Stand } from "./stand.ts";

/** What people see when the engine is away, or was updated; tests of the file that calls it, on its stand. */
export function testAway(of: () => Stand): void {
  test("a page whose code is gone is loaded anew once, not for ever", () => reloadOnce(of()));
  test("in a narrow window what cannot be read is one line above what was read, until it can be read again", () =>
    narrowTrouble(of()));
}

async function reloadOnce(stand: Stand): Promise<void> {
  const page = await stand.open("/");
  await page.locator(".tiles").waitFor();
  let loads = 0;
  page.on("load", () => {
    loads += 1;
  });
  // As after an update of the engine under the open page: what this page's code is called, nobody serves any more.
  await page.route("**/assets/*.js", async (route) => {
    const response = await route.fetch();
    const isGone = (await response.text()).includes("/rewind");
    await route.fulfill(isGone ? { status: 404 } : { response });
  });
  await page.getByRole("link", { name: "Consumers" }).click();
  await page.getByRole("alert").getByText("console.fault").waitFor();
  expect(loads).toBe(1);

  // The rest of the console is there, and the page comes when it is served.
  await page.getByRole("link", { name: "Overview" }).click();
  await page.locator(".tiles").waitFor();
  await page.unroute("**/assets/*.js");
  await page.reload();
  await page.getByRole("link", { name: "Consumers" }).click();
  await page.getByRole("heading", { level: 1, name: "Consumers" }).waitFor();
  await page.context().close();
}

async function narrowTrouble(stand: Stand): Promise<void> {
  const page = await stand.open("/sagas", { viewport: { width: 390, height: 844 } });
  const row = page.locator("tr[data-row]").first();
  await row.waitFor();
  await page.locator(".stream.live").waitFor();
  const before = await topOf(row);
  await page.route("**/v1/sagas?*", (route) => route.abort());
  await stand.order("N-1", "Narrow", 100);
  const trouble = page.locator(".trouble");
  await trouble.waitFor();
  expect(await topOf(trouble.locator(".title"))).toBeLessThan(await bottomOf(trouble.getByRole("button")));
  expect(await bottomOf(trouble.locator(".title"))).toBeGreaterThan(await topOf(trouble.getByRole("button")));
  expect((await topOf(row)) - before).toBeLessThan(64);
  expect(Number(await page.evaluate("document.documentElement.scrollWidth"))).toBe(390);
  // The stream is there, and has nothing more to tell: it is asked again all the same.
  await page.unroute("**/v1/sagas?*");
  await trouble.waitFor({ state: "detached" });
  await page.context().close();
}

async function topOf(part: Locator): Promise<number> {
  return (await part.boundingBox())?.y ?? Number.NaN;
}

async function bottomOf(part: Locator): Promise<number> {
  const box = await part.boundingBox();
  return box === null ? Number.NaN : box.y + box.height;
}
