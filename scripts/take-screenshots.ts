/**
 * `bun run screenshots`: the console's pages into docs/console, of an engine of its own with a shop's orders. Needs no
 * database; takes half a minute.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { openStand } from "../tests/console/stand.ts";

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

  await take("overview", "/", "light");
  await take("sagas", "/sagas", "dark");
  await take("saga", `/sagas/${locked}`, "light");
  await take("parked", "/parked", "dark");
} finally {
  await stand.close();
}

async function take(name: string, path: string, colorScheme: "light" | "dark"): Promise<void> {
  const page = await stand.open(path, { colorScheme, viewport: { width: 1280, height: 860 } });
  await page.locator("main h1").waitFor();
  await page.locator(".stream.live").waitFor();
  await page.waitForLoadState("load");
  // What comes with the stream's first word is drawn a moment later.
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.context().close();
}
