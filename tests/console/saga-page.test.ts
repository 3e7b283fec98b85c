import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Locator, Page } from "playwright-core";

import { eventually } from "../support/engine.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

const HEIGHT = 900;

let stand: Stand;
let locked: string;
let parked: string;

beforeAll(async () => {
  stand = await openStand();
  locked = await stand.order("U-2", "Nobody (locked)", 130);
  parked = await stand.order("P-1", "Ito Ken", 450);
});

afterAll(() => stand?.close());

test("a step chosen in the picture is marked in bars, rows and compensations, and its first row comes into sight", async () => {
  const page = await stand.open(`/sagas/${locked}`);
  const rows = page.locator(".ledger tr.of-step");
  await page.locator(".ledger tr[data-row]").first().waitFor();
  await page.locator(".graph .box").filter({ hasText: "shop.charge" }).click();
  await rows.first().waitFor();
  await eventually("the first row is in sight", () => isInSight(rows.first()));
  expect(new URL(page.url()).searchParams.get("step")).toBe("charge");
  expect(await page.locator(".waterfall tr.of-step").count()).toBe(await rows.count());
  expect(await page.locator(".graph .box.selected").allTextContents()).toEqual([
    expect.stringContaining("shop.refund"),
    expect.stringContaining("shop.charge"),
  ]);
  expect(await page.locator(".pairs li.selected").allInnerTexts()).toEqual([expect.stringContaining("charge")]);

  // What a message is and which step it is about stand on one line.
  const [type, step] = [
    await topOf(rows.first().locator(".link").first()),
    await topOf(rows.first().locator(".request b")),
  ];
  expect(Math.abs(type - step)).toBeLessThan(8);
  await page.context().close();
});

test("a compensation has the same sign in the list and in the picture, which shows the way back", async () => {
  const page = await stand.open(`/sagas/${locked}`);
  await page.getByText("1 of 2 compensated; 1 needs a person").waitFor();
  const listed = await page.locator(".pairs .status > span").allTextContents();
  expect(listed).toEqual(["–", "⟲", "✕"]);
  expect((await page.locator(".graph .box.undo .badge").allTextContents()).toReversed()).toEqual(listed);
  await page.locator(".graph .box.undo.tone-bad").filter({ hasText: "compensation failed" }).waitFor();
  expect(await page.locator(".graph .way.back").count()).toBe(1);
  await page.context().close();
});

test("nothing moves when the picture comes, and no compensations are counted before", async () => {
  // One column: the picture stands above all that could move.
  const page = await stand.open("/v1/me", { viewport: { width: 900, height: HEIGHT } });
  const gate = Promise.withResolvers<void>();
  await page.route(/\/graph$/, async (route) => {
    await gate.promise;
    await route.continue();
  });
  await page.goto(`${stand.line.url}/sagas/${locked}`);
  const compensation = page.getByRole("region", { name: "Compensation" });
  await page.locator(".ledger tr[data-row]").first().waitFor();
  expect(await compensation.locator("p").textContent()).toBe("Reading …");
  const places = () => Promise.all([".waterfall", ".ledger"].map((part) => topOf(page.locator(part))));
  const before = await places();
  gate.resolve();
  await page.locator(".graph .box").first().waitFor();
  await compensation.getByText("1 of 2 compensated").waitFor();
  expect(await places()).toEqual(before);
  await page.context().close();
});

test("a saga leads to its definition's text, and by a label to the sagas that have it too", async () => {
  const page = await stand.open(`/sagas/${locked}`);
  await page.getByRole("link", { name: "customer=Nobody (locked)" }).click();
  await page.getByRole("link", { name: "U-2" }).waitFor();
  expect(await page.getByRole("link", { name: "P-1" }).count()).toBe(0);
  await page.goBack();
  await page.getByText("the reservation is locked · at reserve").waitFor();
  expect(await page.locator("details .json").count()).toBe(0);
  await page.getByText("Input, output, labels").click();
  await page.locator("details .json").nth(2).waitFor();
  await page.getByRole("link", { name: "order@1" }).click();
  await page.getByLabel("YAML of order").waitFor();
  expect(new URL(page.url()).searchParams.get("revision")).toMatch(/^\w{64}$/);
  await page.context().close();
});

test("what is copied as cURL has the key that the dialog sends", async () => {
  const page = await stand.open(`/sagas/${parked}`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const sent: (string | undefined)[] = [];
  await page.route("**/retry", (route) => {
    sent.push(route.request().headers()["idempotency-key"]);
    return route.fulfill({ json: { applied: true } });
  });
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("it was mended");
  await dialog.getByRole("button", { name: "Copy as cURL" }).click();
  await dialog.getByText("✓ Copied").waitFor();
  await dialog.getByRole("button", { name: "Retry", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  expect(sent).toEqual([expect.stringMatching(/^\w{32}$/)]);
  expect(await page.evaluate("navigator.clipboard.readText()")).toContain(`-H 'Idempotency-Key: ${sent[0]}'`);
  await page.context().close();
});

test("in Japanese, units and what the engine writes into the picture are Japanese; what the author wrote stays", async () => {
  const page = await stand.open(`/sagas/${locked}`, { locale: "ja-JP" });
  await page.getByText("the reservation is locked · reserve にて").waitFor();
  await page
    .getByText(/\d (?:秒|分)前/)
    .first()
    .waitFor();
  expect(await wordsIn(page)).toEqual([["order", "バージョン 1"], ["approval", "approved を待つ"], ["完了"]]);
  expect(await page.locator(".graph text.label").allTextContents()).toEqual(["補償", "はい", "いいえ", "補償", "補償"]);

  const redrive = {
    status: "stopped",
    problem: null,
    done: 1,
    failed: 0,
    sent: 0,
    waiting: 0,
    total: 1,
    finishedAt: "-",
  };
  await page.route(/\/redrives\/R$/, (route) => route.fulfill({ json: redrive }));
  await page.goto(`${stand.line.url}/parked?redrive=R`);
  await page.getByText("再送 R: 停止").waitFor();
  await page.context().close();
});

/** What the boxes say that are no command. */
async function wordsIn(page: Page): Promise<string[][]> {
  const boxes = page.locator(".graph .box:is(.start, .wait, .completed)");
  await boxes.first().waitFor();
  const each = (await boxes.all()).map((box) => box.locator(":scope > text:not(.due)").allTextContents());
  return Promise.all(each);
}

async function isInSight(row: Locator): Promise<boolean> {
  const box = await row.boundingBox();
  return box !== null && box.y >= 0 && box.y + box.height <= HEIGHT;
}

async function topOf(part: Locator): Promise<number> {
  return (await part.boundingBox())?.y ?? Number.NaN;
}
