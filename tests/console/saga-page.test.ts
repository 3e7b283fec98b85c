import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Locator, Page } from "playwright-core";

import { eventually } from "../support/engine.ts";
import { chosenIn } from "./broken-file.ts";
import { openStand, type Stand } from "./stand.ts";
import { insertNotes } from "./tall-saga.ts";

setDefaultTimeout(60_000);

const HEIGHT = 900;

let stand: Stand;
let locked: string;
let parked: string;
/** Parked, with more messages than a page of the timeline has. */
let talkative: string;

beforeAll(async () => {
  stand = await openStand();
  locked = await stand.order("U-2", "Nobody (locked)", 130);
  parked = await stand.order("P-1", "Ito Ken", 450);
  talkative = await stand.order("N-1", "Ito Ken", 450);
  await insertNotes(stand.engine, talkative);
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
  // A fault of the definition has a line there.
  await stand.engine.sql`
    update timeline.saga set error = error || '{"line": 31, "column": 14}', updated_at = now() where id = ${locked}
  `;
  await page.goto(`${stand.line.url}/sagas/${locked}`);
  await page.getByRole("link", { name: "line 31 of the definition" }).click();
  await eventually("the place is chosen", async () => (await chosenIn(page)) === "shop.charge");
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

test("of a long list what can be in sight is drawn first, then the rest, while nothing moves; what is selected at once", async () => {
  const page = await stand.open("/v1/me");
  await page.addInitScript(WATCH);
  await page.goto(`${stand.line.url}/sagas/${talkative}`);
  const drawn = () => page.evaluate("window.drawn") as Promise<{ rows: number; top: number }[]>;
  await eventually("all rows are drawn", async () => (await drawn()).at(-1)?.rows === 200);
  const seen = await drawn();
  expect(seen[0]?.rows).toBe(24);
  expect(seen.length).toBeGreaterThan(3);
  expect(new Set(seen.map(({ top }) => top)).size).toBe(1);
  expect(await page.locator(".waterfall tbody tr").count()).toBe(200);

  const last = page.locator(".ledger tr[data-row]").last();
  const id = await last.getAttribute("data-row");
  await page.goto(`${stand.line.url}/sagas/${talkative}?message=${id}`);
  await page.locator(".ledger tr.details").waitFor();
  expect(await drawn()).toHaveLength(1);
  // Closed, it stays.
  await last.getByRole("button").first().click();
  await page.locator(".ledger tr.details").waitFor({ state: "detached" });
  expect(await drawn()).toHaveLength(1);
  await page.context().close();
});

test("what a page shows is asked for while its code is on its way, once, and again if something happens meanwhile", async () => {
  const saga = await stand.order("E-1", "Kato", 940);
  const page = await stand.open("/v1/me");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const gate = Promise.withResolvers<void>();
  await page.route(/\/assets\/part-/, async (route) => {
    await gate.promise;
    await route.continue();
  });
  await page.goto(`${stand.line.url}/sagas/${saga}`);
  await page.locator(".stream.live").waitFor();
  const early = () => asked.filter((path) => path.startsWith(`/v1/sagas/${saga}`)).toSorted();
  await eventually("it has asked", async () => early().length === 2);
  expect(early()).toEqual([`/v1/sagas/${saga}`, `/v1/sagas/${saga}/timeline`]);
  await page.evaluate(HEAR);
  await stand.post(`/v1/sagas/${saga}/cancel`, { reason: "while nobody looks" });
  await eventually("the stream says so", () => page.evaluate(`window.heard.includes("cancelled")`));
  expect(early()).toHaveLength(2);
  gate.resolve();
  await page.locator(".page-head").getByText("cancelled").waitFor();
  await page.context().close();
});

test("the code of a saga's page is there before somebody opens one out of the list", async () => {
  const page = await stand.open(`/sagas/${parked}`);
  const asked = new Set<string>();
  page.on("request", (request) => asked.add(new URL(request.url()).pathname));
  await page.reload();
  await page.locator(".ledger tr[data-row]").first().waitFor();
  const own = [...asked].filter((path) => path.startsWith("/assets/"));
  asked.clear();
  await page.goto(`${stand.line.url}/sagas`);
  await eventually("it is fetched", async () => own.every((path) => asked.has(path)));
  const fetched = asked.size;
  await page.getByRole("link", { name: "P-1" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".ledger tr[data-row]").first().waitFor();
  expect([...asked].slice(fetched).filter((path) => path.startsWith("/assets/"))).toEqual([]);
  await page.context().close();
});

test("input and output are read when somebody looks at them; what is long is cut, with a download", async () => {
  await stand.engine
    .sql`update timeline.saga set input = jsonb_build_object('text', repeat('x', 70000)) where id = ${talkative}`;
  const page = await stand.open("/sagas");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${stand.line.url}/sagas/${talkative}`);
  await page.locator(".ledger tr[data-row]").first().waitFor();
  const whole = () => asked.filter((url) => /\/v1\/sagas(?:\/\w+)?(?:\?|$)/.test(url) && !url.includes("bodies=false"));
  expect(whole()).toEqual([]);
  await page.getByText("Input, output, labels").click();
  await page.getByText("cut here: 68.4 KB in all").waitFor();
  expect(whole()).toHaveLength(1);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download" }).click(),
  ]);
  expect(JSON.parse(await Bun.file(await file.path()).text())).toEqual({ text: "x".repeat(70_000) });
  await page.context().close();
});

/** Notes how many rows the list of messages has, and where the first stands, each time that this has changed. */
const WATCH = `window.drawn = [];
new MutationObserver(() => {
  const rows = document.querySelectorAll(".ledger tr[data-row]");
  if (rows.length === 0 || rows.length === window.drawn.at(-1)?.rows) return;
  window.drawn.push({ rows: rows.length, top: Math.round(rows[0].getBoundingClientRect().top) });
}).observe(document, { subtree: true, childList: true });`;

/** Notes what the tab that reads the stream tells others. */
const HEAR = `fetch("/v1/me").then((answer) => answer.json()).then(({ actor }) => {
  window.heard = "";
  new BroadcastChannel("ekiden.stream." + actor).onmessage = ({ data }) => (window.heard += JSON.stringify(data));
})`;

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
