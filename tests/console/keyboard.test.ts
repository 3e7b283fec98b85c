import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Page } from "playwright-core";

import { eventually } from "../support/engine.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let parked: string;
let waiting: string;

beforeAll(async () => {
  stand = await openStand();
  parked = await stand.order("P-1", "Ito Ken", 450);
  waiting = await stand.order("W-1", "Mori", 900);
});

afterAll(() => stand?.close());

test("a dialog takes the focus, is left by Escape, and gives the focus back, also one that reads something first", async () => {
  const dialogs = [
    [`/sagas/${waiting}`, "Signal approved"],
    [`/sagas/${waiting}`, "Cancel saga"],
    [`/sagas/${parked}`, "Resolve"],
    ["/parked", "Edit and retry"],
    ["/consumers?group=shop", "Rewind"],
  ] as const;
  for (const [path, name] of dialogs) {
    const page = await stand.open(path);
    // What a dialog reads comes late.
    await page.route(/\/v1\/(?:messages|definitions)\/[^?]*$/, async (route) => {
      await Bun.sleep(200);
      await route.continue();
    });
    await page.getByRole("button", { name, exact: true }).first().focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name, exact: true }).waitFor();
    await eventually(`${name} has the focus`, () => page.evaluate("document.activeElement.closest('dialog') !== null"));
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect([name, await focusedText(page)]).toEqual([name, name]);
    await page.context().close();
  }
});

function focusedText(page: Page): Promise<unknown> {
  return page.evaluate("document.activeElement.textContent.trim()");
}
