import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Page } from "playwright-core";

import { axeFaults, faultsOfPages } from "./axe.ts";
import { openBroken } from "./broken-file.ts";
import { retireAndRestore } from "./retirement.ts";
import { eventually } from "../support/engine.ts";
import { insertManyParked, MANY } from "./many-parked.ts";
import { insertNotes, insertTallSaga, NOTES, TALL } from "./tall-saga.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let parked: string;

beforeAll(async () => {
  stand = await openStand();
  parked = await stand.order("P-1", "Ito Ken", 450);
  await stand.order("U-2", "Nobody (locked)", 130);
  await stand.order("W-1", "Mori", 900);
});

afterAll(() => stand?.close());

test("a group is rewound after its effect was shown", async () => {
  const page = await stand.open("/consumers");
  await page.getByRole("link", { name: "shop" }).click();
  await page.getByRole("button", { name: "Rewind" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/2 run again · 2 of them go on with a parked saga/).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await dialog.getByLabel("Reason").fill("points table mended");
  await dialog.getByLabel("A time").check();
  await dialog.getByText("Fill in a time.").waitFor();
  expect(await dialog.getByRole("button", { name: "Rewind" }).isDisabled()).toBeTrue();

  await dialog.getByLabel("The oldest failure").check();
  await dialog.getByLabel("Only in topic").selectOption("shop.charge");
  await dialog.getByText(/1 run again · 1 of them/).waitFor();
  await dialog.getByRole("button", { name: "Rewind" }).click();
  await page.getByText("Rewound: shop").waitFor();

  const { items } = (await read("/v1/audit?limit=1")) as { items: { action: string; reason: string }[] };
  expect(items[0]).toMatchObject({ action: "group.rewind", reason: "points table mended" });
  await page.context().close();
});

test("what cannot be rewound to says why, and what else to do", async () => {
  const page = await stand.open("/consumers?group=shop");
  await page.getByRole("button", { name: "Rewind" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("A place in a partition").check();
  await dialog.getByLabel("Only in topic").selectOption("shop.ship");
  await dialog.getByLabel("Partition", { exact: true }).selectOption("0");
  await dialog.getByLabel("Offset").fill("999");
  await dialog.getByText("group.offset-out-of-range").waitFor();
  await dialog.getByText("Choose an offset between them.").waitFor();
  expect(await dialog.getByRole("button", { name: "Rewind" }).isDisabled()).toBeTrue();

  await stand.engine.sql`delete from timeline.topic_log where topic = 'shop.reserve' and "offset" < 2`;
  await dialog.getByLabel("Only in topic").selectOption("shop.reserve");
  await dialog.getByLabel("Partition", { exact: true }).selectOption("0");
  await dialog.getByLabel("Offset").fill("1");
  await dialog.getByText("1 older than what the topics hold").waitFor();
  await dialog.getByLabel("Reason").fill("what is left will do");
  await dialog.getByRole("button", { name: "Rewind" }).click();
  await page.getByText("Rewound: shop").waitFor();
  await page.context().close();
});

test("a group is paused with a reason, which stands there until it is resumed", async () => {
  const page = await stand.open("/consumers?group=shop");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("a release");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused: a release").waitFor();
  const owner = new RegExp(`/${process.pid}$`);
  await page.getByRole("row").filter({ hasText: "shop.ship" }).getByText(owner).waitFor();

  await page.goto(`${stand.engine.url}/pipeline`);
  await page.getByRole("row").filter({ hasText: "shop" }).getByText("paused").waitFor();
  await page.goto(`${stand.engine.url}/`);
  await page.getByRole("listitem").filter({ hasText: "shop is paused a release" }).waitFor();
  const held = await stand.start("order", { orderNo: "Q-1", customer: "Abe", amount: 90 });
  await page.goto(`${stand.engine.url}/sagas/${held}`);
  await page.getByText(/Waits for a consumer group that is paused: shop since .+ by .+: a release/).waitFor();

  await page.goto(`${stand.engine.url}/consumers?group=shop`);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("done");
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByText("Paused: a release").waitFor({ state: "detached" });
  await page.context().close();
});

test("the heartbeat is shown hop by hop", async () => {
  const page = await stand.open("/pipeline");
  const way = page.getByRole("region", { name: "The way of a message" });
  await way.getByText(/^round trip \d/).waitFor();
  expect(await way.locator(".hops li").count()).toBe(4);
  // As long as each took, not as wide as its words.
  const bars = (await page.evaluate(
    "[...document.querySelectorAll('.hop-bar i')].map((one) => [Number(getComputedStyle(one).flexGrow), one.clientWidth])",
  )) as number[][];
  const sorted = bars.toSorted(([a = 0], [b = 0]) => a - b).map(([, width]) => width);
  expect(sorted).toEqual(sorted.toSorted((a = 0, b = 0) => a - b));
  expect(bars.every(([ms, width = 0]) => width >= 4 && (ms !== 0 || width === 4))).toBeTrue();
  const topics = page.getByRole("region", { name: "Topics" });
  await topics.getByRole("row", { name: /^shop\.ship 1 shop$/ }).waitFor();
  await page.context().close();
});

test("every check of the doctor is shown: what is not well with since when and the fix to copy", async () => {
  const page = await stand.open("/pipeline");
  const doctor = page.getByRole("region", { name: "What is red, and what to do" });
  const sagas = doctor.getByRole("listitem").filter({ hasText: "sagas are parked" });
  await sagas.getByText(/^since/).waitFor();
  await sagas.getByText("bun run ekiden list --status parked").waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await sagas.getByRole("button", { name: "Copy" }).click();
  await sagas.getByText("✓ Copied").waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe("bun run ekiden list --status parked");
  await doctor.getByText(/^\d+ checks are well$/).click();
  for (const check of ["postgresql", "migrations", "partitions", "definitions", "consumer shop"]) {
    await doctor.getByRole("term").filter({ hasText: check }).first().waitFor();
  }
  expect(await axeFaults(page)).toEqual([]);
  await page.context().close();
});

test("an address at which nothing stands says so, and leads home", async () => {
  const page = await stand.open("/nothing/here");
  await page.getByRole("heading", { level: 1, name: "Nothing stands here" }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.getByRole("link", { name: "To the overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.context().close();
});

test("a mistake is marked at its very place, and the list of findings leads there", async () => {
  const page = await stand.open("/definitions");
  await page.getByRole("link", { name: "order" }).click();
  await page.getByRole("link", { name: "YAML" }).click();
  const field = page.getByLabel("YAML of order");
  await page.getByText("No finding: it can be used.").waitFor();
  const source = await field.inputValue();
  await field.fill(source.replace("command: shop.charge", "command: shop.chrage"));
  const findings = page.getByRole("region", { name: "Findings" });
  await findings.getByText("definition.unknown-command").waitFor();
  expect(await page.locator(".yaml-error").allInnerTexts()).toEqual(["shop.chrage"]);
  expect(await axeFaults(page)).toEqual([]);

  await findings.getByRole("button").click();
  expect(await selected(page)).toBe("shop.chrage");
  // Typed in part, and taken from what is offered.
  await page.keyboard.type("shop.ch");
  await page.getByRole("option", { name: "shop.charge", selected: true }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.keyboard.press("Enter");
  await page.getByText("No finding: it can be used.").waitFor();
  expect(await field.inputValue()).toBe(source);
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+ ");
  await page.getByRole("option", { name: /^deadline:/ }).waitFor();
  for (const key of ["ArrowDown", "ArrowUp", "Escape"]) await page.keyboard.press(key);
  await page.getByRole("listbox").waitFor({ state: "detached" });
  await page.context().close();
});

test("a file that is broken on disk is opened in the editor, with the mistake at its place", () => openBroken(stand));

test("a definition is retired and restored with a reason; the list says so too", () => retireAndRestore(stand));

test("the edited text is compared with the revision in use, in words and by lines", async () => {
  const page = await stand.open("/definitions/order?view=source");
  const field = page.getByLabel("YAML of order");
  const source = await field.inputValue();
  await field.fill(source.replace("    compensate: shop.refund", "    timeout: 1m\n    compensate: shop.refund"));
  await page.getByRole("link", { name: "Compare" }).click();
  const changes = page.getByRole("region", { name: "What is different" });
  await changes.getByText("Step charge is changed").waitFor();
  expect(await changes.locator("code").allInnerTexts()).toEqual(["10s", "1m"]);
  expect((await page.locator(".diff .come").allInnerTexts()).map((line) => line.trim())).toEqual(["+     timeout: 1m"]);
  await page.context().close();
});

test("the outcome of a step is chosen, and its compensations are watched; the address keeps it", async () => {
  const page = await stand.open("/definitions/order?view=simulate");
  const path = page.locator(".path li");
  await page.locator(".verdict").getByText("completed").waitFor();
  await page.getByLabel("How ship ends").selectOption("is rejected");
  await page.locator(".verdict").getByText("failed").waitFor();
  expect(await path.allInnerTexts()).toEqual(["reserve", "charge", "ship", "⟲ undo charge", "⟲ undo reserve"]);
  expect(await page.locator(".sheet .why").first().textContent()).toMatch(/^\s*rejected in the simulation/);
  await page.locator(".verdict").filter({ hasText: "at once" }).waitFor();
  expect(await page.locator(".box.undo.tone-back").count()).toBe(2);

  await page.getByLabel("How the compensation of charge ends").selectOption({ index: 2 });
  await page.locator(".verdict").getByText("parked").waitFor();
  await page.reload();
  await page.locator(".verdict").getByText("parked").waitFor();
  await page.getByRole("button", { name: "Start over" }).click();
  await page.locator(".verdict").getByText("completed").waitFor();
  await page.context().close();
});

test("input and outputs are written out, and a mistake in them is said beside them", async () => {
  const page = await stand.open("/definitions/order?view=simulate");
  await page.locator(".verdict").getByText("completed").waitFor();
  await page.getByLabel("Input (JSON)").fill('{"orderNo":"A","customer":"B","amount":900');
  await page.getByText("This is no JSON").waitFor();
  await page.getByLabel("Input (JSON)").fill('{"orderNo":"A","customer":"B","amount":900}');
  await page.locator(".path li").getByText("approval").waitFor();
  await page.getByLabel("Signal approved").selectOption("never comes");
  await page.getByText("waits for approved").waitFor();
  await page.getByLabel("How reserve ends").selectOption("other …");
  await page.getByLabel("Output as JSON").fill('{"amount":"much"}');
  await page.getByRole("alert").getByRole("listitem").getByText("`reserve` cannot answer this").waitFor();
  await page.context().close();
});

test("of a saga of many steps the picture has what is in sight, from the step that matters on, and all are counted", async () => {
  const page = await stand.open(`/sagas/${await insertTallSaga(stand.engine)}`);
  await page.getByText(`${TALL - 1} of ${TALL - 1} compensated`).waitFor();
  const box = (step: number) => page.locator(".graph .box").filter({ hasText: `part_${step}` });
  await box(TALL - 1).waitFor();
  expect(await page.locator(".graph .box").count()).toBeLessThan(100);
  expect(await box(100).count()).toBe(0);

  await page.locator(".graph").evaluate((section) => section.scrollTo(0, 0));
  await page.locator(".graph .box").filter({ hasText: "tall" }).waitFor();
  // A step that the saga itself does not show is known to the picture.
  await page
    .locator(".graph .box.tone-good")
    .filter({ hasText: /part_0shop/ })
    .waitFor();
  await page.context().close();
});

test("of many messages the newest are shown, or those around the selection; a body is read when it is opened", async () => {
  const sagaId = await insertTallSaga(stand.engine);
  await insertNotes(stand.engine, sagaId);
  const page = await stand.open("/sagas");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname + new URL(request.url()).search));
  await page.goto(`${stand.line.url}/sagas/${sagaId}`);
  const ledger = page.getByRole("region", { name: "Requests and consumptions" });
  const rows = ledger.locator("tr[data-row]");
  const named = (note: number) => rows.filter({ has: page.getByText(`note_${note}`, { exact: true }) });
  await named(NOTES - 1).waitFor();
  expect([await rows.count(), await named(NOTES - 200).count()]).toEqual([200, 1]);
  // What nobody has consumed yet lasts until now.
  const lasts = page.locator(".waterfall td.number").last();
  const before = await lasts.textContent();
  await eventually("the bar has grown", async () => (await lasts.textContent()) !== before);

  await named(NOTES - 1)
    .getByRole("button", { name: "step.requested" })
    .click();
  await page.getByText(`body of note ${NOTES - 1}`).waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy trace id" }).click();
  await page.getByText("✓ Copied").waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(String(NOTES - 1).padStart(32, "0"));
  // Whoever turns the pages looks away from the selection.
  await page.getByRole("button", { name: "Earlier" }).first().click();
  await named(NOTES - 400).waitFor();
  await page.getByRole("button", { name: "Newest" }).first().click();
  await named(NOTES - 1).waitFor();
  await page.goto(`${stand.line.url}/sagas/${sagaId}?step=note_10`);
  await named(10).waitFor();
  expect(await named(NOTES - 1).count()).toBe(0);
  expect(asked.filter((path) => path.includes("/timeline") && !path.includes("bodies=false"))).toEqual([]);
  expect(asked.filter((path) => path.startsWith("/v1/messages/"))).toHaveLength(1);
  await page.context().close();
});

test("every page is clean under axe and as wide as the window, in both themes", async () => {
  const found = await faultsOfPages(stand, [
    { path: "/consumers?group=shop", there: "main table" },
    { path: "/pipeline", there: ".hops" },
    { path: "/definitions", there: "main table" },
    { path: "/definitions/order", there: ".graph" },
    { path: "/definitions/order?view=source", there: ".editor" },
    { path: "/definitions/order?view=compare", there: ".empty" },
    { path: "/definitions/order?view=simulate&end.ship=rejected", there: ".box.undo.tone-back" },
  ]);

  expect(found).toEqual([]);
});

test("the window's title says what is open, and on which page", async () => {
  const page = await stand.open(`/sagas/${parked}`);
  const titled = (title: string) => eventually(title, async () => (await page.title()) === title);
  await titled("P-1 · Sagas · Ekiden");
  await page.getByRole("link", { name: "Parked" }).click();
  await page
    .getByRole("region", { name: "Parked" })
    .getByRole("button", { name: /over_limit/ })
    .click();
  await titled("over_limit · Parked · Ekiden");
  await page.getByRole("link", { name: "Overview" }).click();
  await titled("Overview · Ekiden");
  await page.getByRole("link", { name: "Definitions" }).click();
  // What is parked is open too, as on the page of the definition.
  await page
    .getByRole("row", { name: /^order 1 \w+ 3 2 / })
    .getByRole("link", { name: "order", exact: true })
    .click();
  await titled("order · Definitions · Ekiden");
  await page.getByRole("button", { name: "日本語" }).click();
  await titled("order · 定義 · Ekiden");
  await page.context().close();
});

test("a file has all that the filters find, not the page alone, and says when there is more", async () => {
  await insertManyParked(stand.engine);
  const page = await stand.open("/sagas?definition=many");
  const save = async (name: string) => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name, exact: true }).click(),
    ]);
    return Bun.file(await file.path()).text();
  };
  const lines = (await save("↓ CSV")).split("\r\n").slice(1, -1);
  expect(new Set(lines.map((line) => line.split(",")[4])).size).toBe(MANY);
  await page.getByRole("status").getByText("Exported: 1,001 sagas").waitFor();

  // A list that never ends.
  await page.route(/\/v1\/sagas\?.*limit=200/, (route) =>
    route.fulfill({ json: { items: Array(200).fill({ sagaId: "X" }), nextCursor: "more" } }),
  );
  expect((JSON.parse(await save("↓ JSON")) as unknown[]).length).toBe(10_000);
  await page.getByText("the newest 10,000 sagas. There are more").waitFor();
  await page.unroute(/\/v1\/sagas\?.*limit=200/);
  stand.line.cut();
  await page.getByRole("button", { name: "↓ CSV", exact: true }).click();
  const alert = page.locator(".notices").getByRole("alert");
  await alert.getByText("⚠ The engine does not answer.").waitFor();
  stand.line.mend();
  await alert.getByRole("button", { name: "Close" }).click();
  await alert.getByText("The engine does not answer.").waitFor({ state: "detached" });
  await page.context().close();
});

test("of a group that is larger than a redrive takes, the first are sent again, and it is said so", async () => {
  const page = await stand.open("/parked");
  await page
    .getByRole("region", { name: "Parked" })
    .getByRole("button", { name: /too_many/ })
    .click();
  const list = page.getByRole("region", { name: "Sagas", exact: true });
  await list.getByRole("row").nth(50).waitFor();
  // One below the other, the fifty rows leave what is chosen among them in reach.
  await page.setViewportSize({ width: 390, height: 844 });
  expect((await list.boundingBox())?.height).toBeLessThan(310);
  await page.getByRole("button", { name: "Retry the first 1,000 of 1,001" }).click();
  await page.getByRole("dialog").getByText("These are the first 1,000 of 1,001").waitFor();
  await page.context().close();
});

async function read(path: string): Promise<unknown> {
  return (await fetch(`${stand.engine.url}${path}`)).json();
}

function selected(page: Page): Promise<unknown> {
  return page.evaluate(
    "(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.activeElement)",
  );
}
