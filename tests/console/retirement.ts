import { expect } from "bun:test";

import { axeFaults } from "./axe.ts";
import type { Stand } from "./stand.ts";

/** A definition is retired on its page, stands so in the list and in the audit, and is restored. */
export async function retireAndRestore(stand: Stand): Promise<void> {
  const page = await stand.open("/definitions/order");
  await page.getByRole("button", { name: "Retire" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("calls are refused").waitFor();
  await dialog.getByLabel("Reason").fill("sold to another shop");
  expect(await axeFaults(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Retire" }).click();
  await page.getByText("Retired: order").waitFor();
  await page.getByText("Retired by local: sold to another shop").waitFor();
  expect(await axeFaults(page)).toEqual([]);
  const { items } = (await (await fetch(`${stand.engine.url}/v1/audit?limit=1`)).json()) as {
    items: { action: string; reason: string }[];
  };
  expect(items[0]).toMatchObject({ action: "definition.retire", reason: "sold to another shop" });
  await page.getByRole("link", { name: "Definitions" }).click();
  await page.getByRole("row", { name: /^order retired/ }).waitFor();
  expect(await axeFaults(page)).toEqual([]);

  await page.getByRole("link", { name: "order", exact: true }).click();
  await page.getByRole("button", { name: "Restore" }).click();
  await dialog.getByLabel("Reason").fill("bought back");
  await dialog.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("button", { name: "Retire" }).waitFor();
  expect(await page.getByText("Retired by").count()).toBe(0);
  await page.context().close();
}
