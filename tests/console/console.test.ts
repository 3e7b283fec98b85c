import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Page } from "playwright-core";

import { axeFaults, faultsOfPages } from "./axe.ts";
import { eventually } from "../support/engine.ts";
import { testAway } from "./away-tests.ts";
import { testParked } from "./parked-tests.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let parked: string;
let undone: string;
let waiting: string;
let delivery: string;

beforeAll(async () => {
  stand = await openStand();
  await stand.order("A-1042", "佐藤 花子", 100);
  parked = await stand.order("P-1", "Ito Ken", 450);
  await stand.order("P-2", "Mori", 460);
  undone = await stand.order("U-1", "Nobody", 120);
  await stand.order("U-2", "Nobody (locked)", 130);
  delivery = await stand.start("delivery", { orderNo: "D-1", customer: "Abe", amount: 200 });
  waiting = await stand.order("W-1", "A customer with quite a long name, Ltd.", 900);
});

afterAll(() => stand?.close());

test("a business key, a saga's id and a message's id, typed into the search, open their saga", async () => {
  const page = await stand.open("/");
  for (const text of ["P-1", parked.toLowerCase(), await firstMessage(parked)]) {
    const box = page.getByRole("searchbox");
    await box.waitFor();
    // The box can be seen a moment before the page listens for keys.
    const isThere = () =>
      page.evaluate("document.activeElement?.matches('input[type=search], [role=searchbox]') === true");
    await eventually("the slash leads to the search", async () => {
      if (await isThere()) return true;
      await page.keyboard.press("/");
      await Bun.sleep(100);
      return (await isThere()) === true;
    });
    await box.fill("");
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/sagas/${parked}**`);
    await heading(page, "P-1");
    await page.goto(`${stand.line.url}/sagas`);
  }
  await page.getByRole("searchbox").fill(await noSagasMessage());
  await page.keyboard.press("Enter");
  const message = page.getByRole("dialog", { name: "nobody.prices" });
  await message.getByText("This message belongs to no saga.").waitFor();
  await message.getByRole("region", { name: "Body" }).getByText('"yen"').waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await message.getByRole("button", { name: "Close" }).click();
  await message.waitFor({ state: "detached" });
  await page.getByRole("searchbox").fill("no such key");
  await page.keyboard.press("Enter");

  await page.getByText("Nothing has the key or id “no such key”.").waitFor();
  stand.line.cut();
  await page.getByRole("searchbox").fill("P-1");
  await page.keyboard.press("Enter");
  await page.locator("search").getByText("The engine does not answer.").waitFor();
  stand.line.mend();
  await page.context().close();
});

test("the list is filtered by its address, and its chips write the address", async () => {
  const page = await stand.open("/sagas?status=parked");
  await page.getByRole("link", { name: "P-1" }).waitFor();
  expect(await page.getByRole("link", { name: "A-1042" }).count()).toBe(0);
  await page.getByRole("row", { name: /P-1/ }).getByText("a person").waitFor();

  await page.getByRole("button", { name: "completed" }).click();
  await page.getByRole("link", { name: "A-1042" }).waitFor();
  expect(new URL(page.url()).searchParams.get("status")).toBe("parked,completed");

  await page.getByLabel("Label, as name=value").fill("customer=Mori");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "A-1042" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "P-2" }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "A-1042" }).waitFor();

  await page.getByLabel("Definition").selectOption("order");
  await page.getByLabel("Current step").selectOption("charge");
  await page.getByRole("link", { name: "A-1042" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "P-1" }).waitFor();
  expect(new URL(page.url()).searchParams.get("step")).toBe("charge");

  await page.goto(`${stand.line.url}/sagas?within=week`);
  await page.getByRole("link", { name: "A-1042" }).waitFor();
  await page.getByLabel("started from").fill("2020-01-01T00:00");
  await page.waitForURL(/startedAfter=20(?:19|20)-/);
  await page.getByLabel("until").fill("2020-01-02T00:00");
  await page.getByText("No saga matches these filters").waitFor();
  await page.getByRole("button", { name: /^Take the filter until/ }).click();
  await page.getByRole("link", { name: "A-1042" }).waitFor();
  expect(new URL(page.url()).searchParams.has("within")).toBeFalse();
  await page.context().close();
});

test("every number of the overview leads to a list of as many", async () => {
  const page = await stand.open("/");
  const links = page.locator(".tiles a[href^='/sagas?'], .sums a, .figure, .reasons a[href^='/sagas?']");
  await links.first().waitFor();
  const wrong = async () => {
    const shown = (await links.evaluateAll((all) =>
      all.map((one) => [one.getAttribute("href"), one.querySelector("b")?.textContent ?? one.textContent]),
    )) as [string, string][];
    const found = shown
      .filter(([href]) => !href.includes("completed,failed"))
      .map(async ([href, text]) => {
        const answer = await fetch(`${stand.engine.url}/v1${href}&limit=200`);
        const { items } = (await answer.json()) as { items: unknown[] };
        const isRate = href.includes("Before=");
        const perSecond = isRate && items.length >= 60;
        const number = perSecond ? (items.length / 60).toFixed(1) : String(items.length);
        return number === /[\d.]+/.exec(text)?.[0] ? [] : [`${href} has ${items.length}, not ${text}`];
      });
    return [shown.length > 10 ? [] : ["too few"], ...(await Promise.all(found))].flat();
  };
  // What is told was true a few seconds ago.
  await eventually("all are right", async () => {
    const found = await wrong();
    if (found.length > 0) throw new Error(found.join("; "));
    return true;
  });
  expect(await page.locator(".scale").textContent()).toMatch(/^\s*at most \d+ a minute · \d\d:\d\d–\d\d:\d\d\s*$/);
  await page
    .getByRole("listitem")
    .filter({ hasText: /over the limit of ….*last .* ago/ })
    .waitFor();
  await page.locator(".way-hops a[href='/pipeline']").first().waitFor();
  // Two units fit into a line; with a word more the tile would grow as time goes on.
  const oldest = await page.getByRole("link", { name: /^Oldest unfinished/ }).textContent();
  expect(oldest).toMatch(/^Oldest unfinished\s*[\d.]+ \w+(?: \d+ \w+)?$/);
  // What is tried again is grouped as what is parked.
  await page
    .getByRole("listitem")
    .filter({ hasText: /delivery · .*carry/ })
    .getByRole("link")
    .click();
  await page.getByRole("link", { name: "D-1" }).waitFor();
  expect(await page.getByRole("row").count()).toBe(2);
  await page.getByRole("button", { name: /wait for their next attempt, for one reason/ }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: /^Retrying/ }).click();
  await page.getByRole("link", { name: "D-1" }).waitFor();
  expect(await page.getByRole("row").count()).toBe(2);
  await page.getByRole("button", { name: /wait for their next attempt/ }).click();
  await page.getByRole("link", { name: "A-1042" }).waitFor();
  await page.goto(`${stand.line.url}/definitions/order`);
  await page.getByRole("region", { name: "Revisions" }).getByRole("link", { name: /^\d$/ }).first().click();
  await page.getByRole("link", { name: "P-1" }).waitFor();
  expect(new URL(page.url()).searchParams.get("revision")).toHaveLength(64);
  await page.context().close();
});

test("new sagas wait behind a pill, and rows that are shown change in place", async () => {
  const before = await stand.order("L-0", "Kato", 940);
  const page = await stand.open("/sagas");
  await page.locator(".stream.live").waitFor();
  // In the quarter of a second after the stream has begun the list is read once more: what starts then waits as well.
  await page.getByRole("row").nth(1).waitFor();
  const row = page.getByRole("row").filter({ hasText: "L-1" });
  await stand.order("L-1", "Kato", 950);
  await page.getByRole("button", { name: "1 new" }).waitFor();
  // A row that is shown changes, for which the list is read again: what is new goes on waiting.
  await stand.post(`/v1/sagas/${before}/cancel`, { reason: "no longer wanted" });
  await page.getByRole("row").filter({ hasText: "L-0" }).getByText("cancelled").waitFor();
  expect([await row.count(), await page.getByRole("button", { name: "1 new" }).count()]).toEqual([0, 1]);
  await page.getByRole("button", { name: "1 new" }).click();
  await row.getByText("running").waitFor();
  expect(await page.getByRole("button", { name: /new$/ }).count()).toBe(0);

  const id = new URL((await row.getByRole("link").getAttribute("href")) ?? "", stand.engine.url).pathname.slice(7);
  await stand.post(`/v1/sagas/${id}/cancel`, { reason: "no longer wanted" });
  await row.getByText("cancelled").waitFor();
  await page.context().close();
});

test("a waiting saga is signalled from its page, which follows it to its end", async () => {
  const page = await stand.open(`/sagas/${waiting}`);
  await page.getByText("Waits for the signal approved").waitFor();
  await page.getByRole("button", { name: "Signal approved" }).click();
  const dialog = page.getByRole("dialog");
  const send = dialog.getByRole("button", { name: "Signal approved" });
  const by = dialog.getByLabel("by string(1..60) · required");
  await send.click();
  await dialog.locator(".field").getByText("is missing").waitFor();
  expect(await by.getAttribute("aria-invalid")).toBe("true");
  expect(await axeFaults(page)).toEqual([]);
  await by.fill("R. Sato");
  expect(await by.getAttribute("aria-invalid")).toBe("false");

  // What is written as JSON comes back into the fields that can say it.
  await dialog.getByRole("button", { name: "Write it as JSON" }).click();
  const json = dialog.getByLabel("Payload (JSON)");
  expect(JSON.parse(await json.inputValue())).toEqual({ by: "R. Sato" });
  await json.fill('{"by": }');
  await dialog.getByText("This is no JSON").waitFor();
  await json.fill('{"by":"R. Sato","note":"x"}');
  expect(await dialog.getByRole("button", { name: "The fields cannot say this" }).isDisabled()).toBeTrue();
  await json.fill('{"by":"S. Ito"}');
  await dialog.getByRole("button", { name: "Fill in the fields" }).click();
  expect(await by.inputValue()).toBe("S. Ito");
  await send.click();

  await page.locator(".page-head").getByText("completed").waitFor();
  await page.getByText("Waits for the signal approved").waitFor({ state: "detached" });
  await page.context().close();
});

test("one selection drives steps, picture, both lists and the address", async () => {
  const page = await stand.open(`/sagas/${undone}`);
  await page.getByRole("region", { name: "Compensation" }).getByText("2 of 2 compensated").waitFor();
  await page
    .getByRole("region", { name: "Requests and consumptions" })
    .getByRole("button", { name: "step.rejected" })
    .click();
  await page.getByText("no_address").first().waitFor();

  const { searchParams } = new URL(page.url());
  expect(searchParams.get("step")).toBe("ship");
  // The step, and how it would be undone.
  expect(await page.locator(".graph .box.selected").count()).toBe(2);
  expect(await page.locator(".waterfall tr.selected").count()).toBe(1);
  await page.reload();
  await page.locator(".ledger tr.details").waitFor();
  expect(await page.locator(".cause.cause").count()).toBeGreaterThan(3);

  const selected = page.locator(".ledger tr.selected");
  await selected.getByRole("button", { name: /^because of \d+$/ }).click();
  await selected.getByRole("button", { name: "step.requested" }).waitFor();
  await selected.getByText(/led to \d+/).waitFor();
  await page.context().close();
});

test("what a saga does next by itself is counted down, in words, on its journey and on its picture", async () => {
  const page = await stand.open(`/sagas/${delivery}`);
  await page.getByText(/^◷ Next: parallel0.road.carry retry 2 in (?:1 h|59 m)/).waitFor();
  await page.getByText(/deadline of the saga in (?:7|6) d/).waitFor();
  await page.getByRole("button", { name: /carry.*retrying.*1\/5.*retry 2 in (?:1 h|59 m)/ }).waitFor();
  expect(await page.locator(".graph .due").allTextContents()).toEqual([expect.stringMatching(/^◷ (?:1 h|59 m)$/)]);

  await page.goto(`${stand.line.url}/sagas/${parked}`);
  const ahead = page.getByRole("list", { name: "Journey" }).locator(".ahead");
  await ahead.getByText("ship").waitFor();
  expect(await ahead.count()).toBe(1);
  await page.context().close();
});

test("what a saga has not come to when it ended stands behind its end, as not run", async () => {
  const ended = await stand.order("E-1", "Kato", 930);
  const page = await stand.open(`/sagas/${ended}`);
  const journey = page.getByRole("list", { name: "Journey" });
  await journey.locator(".ahead").first().waitFor();
  expect(await journey.locator(".ahead").count()).toBe(2);
  await stand.post(`/v1/sagas/${ended}/cancel`, { reason: "not wanted any more" });
  await journey.getByText("cancelled").waitFor();
  expect(await journey.locator(".ahead").count()).toBe(0);
  expect((await journey.getByRole("listitem").allInnerTexts()).slice(-2).map((text) => text.trim())).toEqual([
    expect.stringMatching(/cancelled$/),
    "not run: charge, ship",
  ]);
  expect(await axeFaults(page)).toEqual([]);
  await page.context().close();
});

test("a saga shows its relatives, each of which leads on, and what operators did to it, as they do it", async () => {
  const page = await stand.open(`/sagas/${delivery}`);
  const related = page.locator(".sheet").filter({ has: page.getByRole("heading", { name: "Related sagas" }) });
  const audit = page.locator(".sheet").filter({ has: page.getByRole("heading", { name: "What operators did" }) });
  await audit.getByText("No operator has touched this saga.").waitFor();
  await stand.post(`/v1/sagas/${delivery}/cancel`, { reason: "the road stays closed" });
  await audit.getByRole("row", { name: /local saga.cancel the road stays closed/ }).waitFor();

  await related
    .getByRole("row", { name: /^child at parallel0.order.order order D-1/ })
    .getByRole("link")
    .click();
  await heading(page, "D-1");
  await page.getByText(/^order@1/).waitFor();
  await related.getByRole("row", { name: /^parent delivery D-1/ }).waitFor();
  // What led to the child's start happened in its parent.
  await page.getByRole("button", { name: "because of a message elsewhere" }).first().click();
  await page.waitForURL(`**/sagas/${delivery}?message=*`);
  await page.locator(".ledger tr.selected").getByRole("button", { name: "saga.started" }).waitFor();
  await page.context().close();
});

testParked(() => ({ stand, parked }));

test("every page is clean under axe, in both themes, at 1280 and at 390 pixels, in Japanese too", async () => {
  const english = ["/", "/sagas", `/sagas/${parked}`, `/sagas/${undone}?step=charge`, "/parked", "/sagas?key=nothing"];
  const japanese = ["/sagas", `/sagas/${parked}`, "/parked", "/definitions"];
  const found = await faultsOfPages(stand, [
    ...english.map((path) => ({ path })),
    ...japanese.map((path) => ({ path, locale: "ja-JP" })),
  ]);

  expect(found).toEqual([]);
});

test("keys go from page to page and from row to row, and the language changes for good", async () => {
  const page = await stand.open("/");
  await heading(page, "Overview");
  // As fast as people type: the second key comes down before the first is let go.
  await page.keyboard.down("g");
  await page.keyboard.down("s");
  await page.keyboard.up("g");
  await page.keyboard.up("s");
  await heading(page, "Sagas");
  await page.getByRole("link", { name: "A-1042" }).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/sagas/0*");
  await page.getByRole("button", { name: "日本語" }).click();
  await page.getByRole("link", { name: "コンシューマー" }).click();
  await page.getByRole("row", { name: /^shop 実行中 .* 実行中 · 0 処理中$/ }).waitFor();
  await page.getByRole("link", { name: "概要" }).click();
  await heading(page, "概要");
  await page.reload();
  await heading(page, "概要");
  expect(await page.evaluate("document.documentElement.lang")).toBe("ja");
  await page.context().close();
});

test("a lost stream is said, and what happened meanwhile is shown when it is back", async () => {
  const page = await stand.open("/sagas");
  await page.locator(".stream.live").waitFor();
  const row = page.getByRole("row").filter({ hasText: "P-1" });
  await row.getByText("parked").waitFor();
  stand.line.cut();
  await page.locator(".stream.lost").waitFor();
  await stand.post(`/v1/sagas/${parked}/terminate`, { reason: "a test" });
  stand.line.mend();

  await row.getByText("terminated").waitFor();
  await page.locator(".stream.live").waitFor();

  // A page whose code cannot be fetched now: the console stays, says so, and goes there when it can.
  stand.line.cut();
  await page.getByRole("link", { name: "Consumers" }).click();
  await page.getByRole("alert").getByText("The engine does not answer").waitFor();
  await page.getByRole("link", { name: "Overview" }).waitFor();
  stand.line.mend();
  await heading(page, "Consumers");
  await page.context().close();
});

testAway(() => stand);

async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** A message of somebody else, as the group that met it records it. */
async function noSagasMessage(): Promise<string> {
  const [row] = await stand.engine.sql<{ message_id: string }[]>`
    insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, error_flag, error_code,
      error_message, message_body)
    values ('nobody', timeline.new_ulid(), 'nobody.prices', 'test', true, 'message.foreign', 'nobody asked for it',
      ${stand.engine.sql.json({ currency: "yen" })})
    returning message_id
  `;
  return row?.message_id ?? "";
}

async function firstMessage(sagaId: string): Promise<string> {
  const response = await fetch(`${stand.engine.url}/v1/sagas/${sagaId}/timeline?limit=1`);
  const { items } = (await response.json()) as { items: { messageId: string }[] };
  return items[0]?.messageId ?? "";
}
