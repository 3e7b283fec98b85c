import { expect } from "bun:test";

import type { Page } from "playwright-core";

import { eventually } from "../support/engine.ts";
import { axeFaults } from "./axe.ts";
import type { Stand } from "./stand.ts";

/** What is chosen in the text that is open, once it has the focus. */
export function chosenIn(page: Page): Promise<unknown> {
  return page.evaluate(`((area) => area.value?.slice(area.selectionStart, area.selectionEnd))(document.activeElement)`);
}

/** Files that the engine says are broken, one of a definition in use and one of none, are edited. */
export async function openBroken(stand: Stand): Promise<void> {
  const page = await stand.open("/v1/me");
  const { source } = (await (await fetch(`${stand.engine.url}/v1/definitions/order`)).json()) as { source: string };
  const broken = source.replace("command: shop.charge", "command: shop.chrage");
  const hint = "Write shop.charge.";
  const finding = {
    severity: "error",
    code: "definition.unknown-command",
    message: "no such",
    line: 31,
    column: 14,
    hint,
  };
  const file = (name: string, text: string) => ({ file: `domains/${name}`, diagnostics: [finding], source: text });
  const files = [
    file("order.saga.yaml", broken),
    file("later.saga.yaml", broken.replace("saga: order", "saga: later")),
  ];
  const read: (string | null)[] = [];
  await page.route("**/v1/definitions?*", async (route) => {
    const answer = (await (await route.fetch()).json()) as object;
    const only = new URL(route.request().url()).searchParams.get("file");
    read.push(only);
    const broken =
      only === null
        ? files.map(({ source: _source, ...rest }) => rest)
        : files.filter(({ file: name }) => name === only);
    await route.fulfill({ json: { ...answer, broken } });
  });
  await page.goto(`${stand.line.url}/definitions`);
  const open = (name: string) =>
    page
      .getByRole("region", { name: `domains/${name}` })
      .getByRole("button", { name: "Open in the editor" })
      .click();
  const marked = async (label: string, name: string) => {
    await page.getByRole("region", { name: "Findings" }).getByText("definition.unknown-command").waitFor();
    expect(await page.locator(".yaml-error").allInnerTexts()).toEqual(["shop.chrage"]);
    expect(await page.getByLabel(`YAML of ${label}`).inputValue()).toContain(`saga: ${name}`);
  };
  const at = (name: string) =>
    page.getByRole("region", { name: `domains/${name}` }).getByRole("button", { name: "31:14" });
  // None is in use that it could be the next revision of.
  await open("later.saga.yaml");
  await marked("domains/later.saga.yaml", "later");
  expect(new Set(read)).toEqual(new Set([null, "domains/later.saga.yaml"]));
  expect(await axeFaults(page)).toEqual([]);
  await at("later.saga.yaml").click();
  await eventually("the place is chosen", async () => (await chosenIn(page)) === "shop.chrage");
  await page.getByRole("link", { name: "Back to the definitions" }).click();
  await at("order.saga.yaml").click();
  await page.waitForURL("**/definitions/order?view=source&line=31:14");
  await eventually("the place is chosen", async () => (await chosenIn(page)) === "shop.chrage");
  await marked("order", "order");
  // What is edited since is not taken away by opening the file once more.
  await page.getByLabel("YAML of order").fill("saga: order # mine");
  await page.getByRole("link", { name: "Definitions" }).click();
  await open("order.saga.yaml");
  await marked("domains/order.saga.yaml", "order");
  await page.context().close();
}
