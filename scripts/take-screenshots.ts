/**
 * `bun run screenshots`: the console's pages into docs/console, of an engine of its own with a shop's orders. Needs no
 * database; takes two minutes.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";

import { openStand } from "../tests/console/stand.ts";

const MINUTE_MS = 60_000;
const folder = resolve(import.meta.dir, "../docs/console");
mkdirSync(folder, { recursive: true });

const stand = await openStand();
try {
  for (const [number, customer] of ["Sato Hanako", "Suzuki Ichiro", "Takahashi Mei", "Tanaka Jun"].entries()) {
    await stand.order(`A-104${number}`, customer, 120 + 10 * number);
  }
  for (const number of [1, 2, 3]) await stand.order(`A-105${number}`, "Ito Ken", 440 + number);
  await stand.order("A-1060", "Nobody Known", 150);
  const locked = await stand.order("A-1061", "Nobody (locked)", 180);
  await stand.order("A-1062", "Watanabe Yui", 900);

  await take("sagas", "/sagas", "dark");
  await take("saga", `/sagas/${locked}`, "light");
  await take("parked", "/parked", "dark");
  await take("consumers", "/consumers?group=shop", "light", async (page) => {
    await page.getByRole("button", { name: "Rewind" }).click();
    await page.getByText(/run again/).waitFor();
  });
  await take("pipeline", "/pipeline", "dark");
  await take("definition", "/definitions/order?view=simulate&end.ship=rejected", "light");
  // The last hour shows minutes that are over.
  await Bun.sleep(MINUTE_MS - (Date.now() % MINUTE_MS) + 1_000);
  await take("overview", "/", "light");
} finally {
  await stand.close();
}

async function take(
  name: string,
  path: string,
  colorScheme: "light" | "dark",
  then?: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await stand.open(path, { colorScheme, viewport: { width: 1280, height: 860 } });
  await page.locator("main h1").waitFor();
  await page.locator(".stream.live").waitFor();
  await page.waitForLoadState("load");
  // What comes with the stream's first word is drawn a moment later.
  await page.waitForTimeout(1_500);
  await then?.(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.context().close();
}
