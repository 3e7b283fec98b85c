/**
 * `bun run screenshots`: the console's pages into docs/console, of an engine of its own with a shop's orders. Needs no
 * database; takes two minutes.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";

import { giveJapaneseFont, WITH_FONT } from "../tests/console/japanese-font.ts";
import { openStand } from "../tests/console/stand.ts";

const MINUTE_MS = 60_000;
const folder = resolve(import.meta.dir, "../docs/console");
mkdirSync(folder, { recursive: true });

const stand = await openStand();
try {
  for (const [number, customer] of ["佐藤 花子", "鈴木 一郎", "高橋 芽衣", "田中 純"].entries()) {
    await stand.order(`A-104${number}`, customer, 120 + 10 * number);
  }
  for (const number of [1, 2, 3]) await stand.order(`A-105${number}`, "Ito Ken", 440 + number);
  await stand.order("A-1060", "Nobody Known", 150);
  const locked = await stand.order("A-1061", "Nobody (locked)", 180);
  await stand.order("A-1062", "Watanabe Yui", 900);

  await take("sagas", "/sagas", "dark");
  await take("saga", `/sagas/${locked}`, "light", { whole: true });
  await take("saga-ja", `/sagas/${locked}`, "dark", { locale: "ja-JP" });
  await take("parked", "/parked", "dark");
  await take("consumers", "/consumers?group=shop", "light");
  await take("rewind", "/consumers?group=shop", "light", {
    then: async (page) => {
      await page.getByRole("button", { name: "Rewind" }).click();
      await page.getByText(/run again/).waitFor();
    },
  });
  await take("pipeline", "/pipeline", "dark");
  await take("definition", "/definitions/order?view=simulate&end.ship=rejected", "light");
  // The last hour shows minutes that are over.
  await Bun.sleep(MINUTE_MS - (Date.now() % MINUTE_MS) + 1_000);
  await take("overview", "/", "light");
} finally {
  await stand.close();
}

interface Picture {
  readonly locale?: string;
  /** Down to the end of the page, not of the window. */
  readonly whole?: boolean;
  readonly then?: (page: Page) => Promise<void>;
}

async function take(
  name: string,
  path: string,
  colorScheme: "light" | "dark",
  { locale = "en-GB", whole = false, then }: Picture = {},
): Promise<void> {
  const viewport = { width: 1280, height: 860 };
  const page = await stand.open(path, { colorScheme, locale, viewport, ...WITH_FONT });
  await giveJapaneseFont(page);
  await page.locator(".stream.live").waitFor();
  // What comes with the stream's first word is drawn a moment later.
  await page.waitForTimeout(1_500);
  await then?.(page);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: whole });
  await page.context().close();
}
