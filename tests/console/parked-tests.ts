import { expect, test } from "bun:test";

import { axeFaults } from "./axe.ts";
import type { Stand } from "./stand.ts";

interface Given {
  readonly stand: Stand;
  /** The saga of P-1; P-2 is parked like it. */
  readonly parked: string;
}

/** What is done about parked sagas, one and many; tests of the file that calls it, on its stand. */
export function testParked(of: () => Given): void {
  test("r retries the row that has the focus, where nothing is chosen", () => retryFocused(of()));
  test("a parked command is edited, and its saga goes on to its end", () => editAndRetry(of()));
  test("several parked sagas are chosen and retried at once, after their effect was shown; one is refused", () =>
    retryChosen(of()));
  test("several parked sagas are sent again through one redrive", () => redriveChosen(of()));
  test("a group is sent again through a redrive that tells how it goes", () => redriveGroup(of()));
}

async function retryFocused({ stand, parked }: Given): Promise<void> {
  const page = await stand.open("/sagas?status=parked,completed");
  const dialog = page.getByRole("dialog");
  await page.getByRole("link", { name: "P-1" }).focus();
  await page.keyboard.press("r");
  await dialog.getByText("1 × order charge").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  await page.goto(`${stand.line.url}/parked`);
  const groups = page.getByRole("region", { name: "Parked" });
  // What differs is not told as if all said it.
  await groups.getByRole("button", { name: "over_limit an amount of … is over the limit of …" }).click();
  await page.getByText("consumer group shop · topic shop.charge").waitFor();
  await page.getByRole("heading", { name: "P-2" }).waitFor();
  await page.locator(".later").getByRole("link").first().waitFor();
  await page.getByRole("region", { name: "Headers" }).waitFor();
  expect(await page.locator("main section h3").allInnerTexts()).toEqual([
    "The message it is parked at",
    "All attempts at this step: 1",
    "Body",
    "Headers",
    "Later messages of the same key",
  ]);
  await page.getByRole("button", { name: "P-1", exact: true }).focus();
  await page.keyboard.press("r");
  await dialog.getByText(/^Runs charge/).waitFor();
  await page.getByRole("heading", { name: "P-1", includeHidden: true }).waitFor();
  expect(new URL(page.url()).searchParams.get("saga")).toBe(parked);
  await page.context().close();
}

/** The parked page with the group of those that are over the limit. */
async function openGroup(stand: Given["stand"]) {
  const page = await stand.open("/parked");
  await page
    .getByRole("region", { name: "Parked" })
    .getByRole("button", { name: /over_limit/ })
    .click();
  return page;
}

async function editAndRetry({ stand }: Given): Promise<void> {
  const page = await openGroup(stand);
  await page.getByRole("button", { name: "P-2", exact: true }).click();
  const headers = page.getByRole("region", { name: "Headers" });
  await headers.getByText('"timeoutMs"').waitFor();
  const later = page.locator(".later");
  await later.getByRole("link", { name: "saga.parked" }).waitFor();
  expect((await later.getByRole("link").allInnerTexts())[0]).toBe("step.failed");
  await page.getByRole("button", { name: "Edit and retry" }).click();
  const dialog = page.getByRole("dialog");
  const body = dialog.getByLabel("Body (JSON)");
  await dialog.getByLabel("Reason").fill("the limit was meant");
  await body.fill((await body.inputValue()).replace("460", '"much"'));
  // The handler's own schema speaks before anything is sent.
  await dialog.getByText("message.edit-invalid").waitFor();
  await dialog.getByRole("alert").getByText("/body/input/amount").waitFor();
  expect(await dialog.getByRole("button", { name: "Edit and retry" }).isDisabled()).toBeTrue();
  await body.fill((await body.inputValue()).replace('"much"', "300"));
  await dialog.locator(".diff .come").waitFor();
  await dialog.getByText("It fits the input of shop.charge.").waitFor();
  await dialog.getByRole("button", { name: "Edit and retry" }).click();
  await dialog.waitFor({ state: "detached" });

  await page.goto(`${stand.line.url}/sagas?key=P-2`);
  await page.getByRole("row").filter({ hasText: "P-2" }).getByText("completed").waitFor();
  await page.context().close();
}

async function retryChosen({ stand }: Given): Promise<void> {
  for (const number of [1, 2, 3]) await stand.order(`B-${number}`, "Bulk", 440 + number);
  const gone = await stand.order("B-4", "Bulk", 444);
  await stand.order("B-5", "Bulk", 100);
  const page = await stand.open("/sagas?label.customer=Bulk");
  const bar = page.getByRole("region", { name: "Selected sagas" });
  await page.getByLabel("Select B-5").click();
  await bar.getByText("1 selected, 0 of them parked").waitFor();
  expect(await bar.getByRole("button", { name: "Retry 0" }).isDisabled()).toBeTrue();
  await page.getByLabel("Select B-2").click({ modifiers: ["Shift"] });
  await bar.getByText("4 selected, 3 of them parked").waitFor();
  // From B-2 one row on, by the keyboard.
  await page.getByRole("link", { name: "B-2" }).focus();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await bar.getByText("5 selected, 4 of them parked").waitFor();

  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("4 × order charge").waitFor();
  await dialog.getByText("1 not parked: left as they are").waitFor();
  expect(await axeFaults(page)).toEqual([]);
  // Meanwhile somebody ends one of them.
  await stand.post(`/v1/sagas/${gone}/terminate`, { reason: "a test" });
  await dialog.getByLabel("Reason").fill("the limit was lifted");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy as cURL" }).click();
  await dialog.getByText("✓ Copied").waitFor();
  const keys = String(await page.evaluate("navigator.clipboard.readText()")).match(/(?<=Idempotency-Key: )\w{32}/g);
  const sent = page.waitForRequest(/retry$/);
  await dialog.getByRole("button", { name: "Retry 4", exact: true }).click();
  expect((await sent).headers()["idempotency-key"]).toBe(keys?.[0] ?? "none copied");
  await dialog.getByText("3 of 4 are done").waitFor();
  await dialog.getByRole("alert").getByRole("listitem").filter({ hasText: "B-4" }).waitFor();
  const { items } = (await (await fetch(`${stand.engine.url}/v1/audit?action=saga.retry`)).json()) as {
    items: { reason: string }[];
  };
  expect(items.map(({ reason }) => reason)).toEqual(Array(3).fill("the limit was lifted"));
  await page.context().close();
}

async function redriveChosen({ stand }: Given): Promise<void> {
  const page = await stand.open("/sagas?label.customer=Bulk&status=parked");
  await page.getByLabel("Select all rows").click();
  const bar = page.getByRole("region", { name: "Selected sagas" });
  await bar.getByRole("button", { name: /^Send \d again/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("once more");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy as CLI" }).click();
  await dialog.getByText("✓ Copied").waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toMatch(
    /^bun run ekiden redrive( \w{26}){2,} --rate 10 --stop-after 3 --reason 'once more'$/,
  );
  await dialog.getByRole("button", { name: /^Retry \d/ }).click();
  await page.getByText(/1 failed again/).waitFor();
  expect(new URL(page.url()).searchParams.get("redrive")).not.toBeNull();
  await page.context().close();
}

async function redriveGroup({ stand }: Given): Promise<void> {
  const page = await openGroup(stand);
  await page.getByRole("button", { name: /^Retry all/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("shop", { exact: true }).first().waitFor();
  await dialog.getByLabel("Reason").fill("once more");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy as CLI" }).click();
  await dialog.getByText("✓ Copied").waitFor();
  const which = "--group shop --definition order --error-code over_limit --action charge";
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
    `bun run ekiden redrive ${which} --rate 10 --stop-after 3 --reason 'once more'`,
  );
  await dialog.getByRole("button", { name: /^Retry \d/ }).click();

  // It fails again: the limit still stands.
  await page.getByText(/1 failed again/).waitFor();
  await page.context().close();
}
