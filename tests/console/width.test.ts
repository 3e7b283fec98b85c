import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import type { Locator, Page } from "playwright-core";

import { eventually } from "../support/engine.ts";
import { insertLongNames } from "./long-names.ts";
import { openStand, type Stand } from "./stand.ts";
import { insertWideSaga } from "./wide-saga.ts";

setDefaultTimeout(120_000);

const WIDTHS = [1280, 1024, 390];

let stand: Stand;
let parked: string;
let wide: string;
let long: string;

beforeAll(async () => {
  stand = await openStand();
  parked = await stand.order("P-1", "Ito Ken", 450);
  wide = await insertWideSaga(stand.engine);
  long = await insertLongNames(stand.engine);
});

afterAll(() => stand?.close());

test("on no page something is cut off at a side without saying so, however narrow", async () => {
  const page = await stand.open("/v1/me");
  const found: string[] = [];
  const paths = ["/", "/sagas", `/sagas/${wide}`, `/sagas/${parked}`, "/parked", "/consumers?group=shop", "/pipeline"];
  for (const path of [...paths, "/definitions", "/definitions/wide", "/definitions/order?view=simulate"]) {
    await page.goto(`${stand.line.url}${path}`);
    await page.locator("main h1").waitFor();
    await page.locator("main .skeleton").first().waitFor({ state: "detached" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await eventually(`${path} is drawn at ${width}`, async () => (await unsaid(page)).length === 0, 2_000).catch(
        async () => found.push(`${path} at ${width}: ${await unsaid(page)}`),
      );
      const whole = Number(await page.evaluate("document.documentElement.scrollWidth"));
      if (whole > width) found.push(`${path} is ${whole} wide at ${width}`);
    }
  }
  expect(found).toEqual([]);
  await page.context().close();
});

test("a wide picture fades where it goes on, and no more at its end; the step that is looked at is in sight", async () => {
  const page = await stand.open(`/sagas/${wide}`);
  const picture = page.locator(".graph");
  await picture.locator(".box").first().waitFor();
  await eventually("both edges fade", async () => (await picture.getAttribute("data-more")) === "left right");
  expect(await isIn(page.locator(".box.start"), picture)).toBeTrue();
  const scrollTo = (left: number) => page.evaluate(`document.querySelector(".graph").scrollTo({ left: ${left} })`);
  await scrollTo(0);
  await eventually("the right one alone", async () => (await picture.getAttribute("data-more")) === "right");
  await scrollTo(100_000);
  await eventually("the left one alone", async () => (await picture.getAttribute("data-more")) === "left");

  await page.getByRole("button", { name: /north/ }).first().click();
  await eventually("it is in sight", () => isIn(page.locator(".box.selected"), picture));
  await page.context().close();
});

test("names of 200 letters without a space push nothing out of its place", async () => {
  const page = await stand.open("/v1/me");
  const found: string[] = [];
  for (const [path, there] of [
    ["/", ".reasons li"],
    [`/sagas/${long}`, ".journey button"],
    ["/parked", "main section.sheet h2"],
    ["/sagas", "main tbody tr"],
    [`/sagas?key=${"n".repeat(200)}&label.customer=${"n".repeat(200)}`, "main tbody tr"],
  ] as const) {
    await page.goto(`${stand.line.url}${path}`);
    await page
      .locator(there)
      .filter({ hasText: /n{40}|s{40}|v{40}/ })
      .first()
      .waitFor();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      found.push(...(await outside(page)).map((part) => `${path.slice(0, 12)} at ${width}: ${part}`));
    }
  }
  await page.setViewportSize({ width: 390, height: 900 });
  await page.goto(`${stand.line.url}/sagas/${long}`);
  await page.getByRole("button", { name: "Skip" }).click();
  await page.getByRole("dialog").waitFor();
  found.push(...(await outside(page)).map((part) => `a dialog: ${part}`));
  expect(found).toEqual([]);
  await page.context().close();
});

test("a long path of a step stands whole in the list of steps", async () => {
  const page = await stand.open(`/sagas/${wide}`);
  await page.getByRole("region", { name: "Steps", exact: true }).getByRole("row").nth(1).waitFor();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const cut = await page.evaluate(`[...document.querySelectorAll(".steps .table, .steps .link")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1).length`);
    expect([width, cut]).toEqual([width, 0]);
  }
  await page.context().close();
});

test("a picture that is higher than its room fades above and below where it goes on", async () => {
  const page = await stand.open("/definitions/order", { viewport: { width: 1280, height: 500 } });
  const picture = page.locator(".graph");
  await eventually("it goes on below", async () => (await picture.getAttribute("data-beyond")) === "below");
  await page.evaluate(`document.querySelector(".graph").scrollTo({ top: 100_000 })`);
  await eventually("and then above", async () => (await picture.getAttribute("data-beyond")) === "above");
  expect(await page.evaluate(`getComputedStyle(document.querySelector(".graph")).maskImage`)).toContain("28px");
  await page.context().close();
});

test("large numbers of every status neither widen the overview nor hide the bars beside them", async () => {
  const page = await stand.open("/v1/me");
  const counts = { running: 123_456, compensating: 12_345, parked: 12_345, completed: 9_876_543 };
  await page.route("**/v1/overview", async (route) => {
    const numbers = (await (await route.fetch()).json()) as object;
    const row = { definition: "order", ...counts, failed: 98_765, cancelled: 98_765, terminated: 9_876 };
    await route.fulfill({ json: { ...numbers, definitions: [row] } });
  });
  await page.goto(stand.line.url);
  const bar = page.locator(".share");
  await bar.waitFor();
  for (const width of [1440, ...WIDTHS]) {
    await page.setViewportSize({ width, height: 900 });
    const whole = Number(await page.evaluate("document.documentElement.scrollWidth"));
    expect([width, whole]).toEqual([width, width]);
    // Where there is little room the bar is left out: the numbers say the same.
    if (width > 700) expect(await isIn(bar, page.getByRole("region", { name: "Definitions" }))).toBeTrue();
  }
  await page.context().close();
});

test("a long error leaves a request its room, and a relative's place is not broken into letters", async () => {
  await stand.engine.sql`
    update timeline.event_consumption set error_message = repeat('決済', 150) where correlation_id = ${parked} and error_flag
  `;
  const page = await stand.open(`/sagas/${parked}`);
  const request = page.locator(".ledger .request").first();
  await page.locator(".ledger .made").getByText("決済").waitFor();
  expect((await request.boundingBox())?.width).toBeGreaterThan(400);
  const delivery = await stand.start("delivery", { orderNo: "R-1", customer: "Abe", amount: 100 });
  await page.goto(`${stand.line.url}/sagas/${delivery}`);
  await page.setViewportSize({ width: 1024, height: 900 });
  const place = page
    .getByRole("row", { name: /child at parallel0/ })
    .getByRole("cell")
    .first();
  expect((await place.boundingBox())?.width).toBeGreaterThan(150);
  await page.context().close();
});

async function isIn(part: Locator, whole: Locator): Promise<boolean> {
  const [box, room] = await Promise.all([part.boundingBox(), whole.boundingBox()]);
  return box !== null && room !== null && box.x >= room.x && box.x + box.width <= room.x + room.width;
}

/** What stands, or has words, beyond the window's right edge, and cannot be scrolled to in a box of its own. */
async function outside(page: Page): Promise<string[]> {
  return (await page.evaluate(`[...document.querySelectorAll("main *, dialog *")].flatMap((part) => {
    const words = [...part.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map((text) => {
      const range = document.createRange();
      range.selectNodeContents(text);
      return range.getBoundingClientRect().right;
    });
    const right = Math.max(part.getBoundingClientRect().right, ...words);
    if (right <= innerWidth + 1) return [];
    for (let box = part; box !== null && box.tagName !== "MAIN"; box = box.parentElement) {
      if (box.tagName !== "DIALOG" && getComputedStyle(box).overflowX !== "visible") return [];
    }
    return [part.tagName + "." + (part.getAttribute("class") ?? "") + " " + Math.round(right)];
  })`)) as string[];
}

/** What can be scrolled sideways, or stands outside of it, and does not say so. */
async function unsaid(page: Page): Promise<string[]> {
  return (await page.evaluate(`[...document.querySelectorAll("main *, nav")].flatMap((part) => {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(part).overflowX);
    if (!scrolls || part.scrollWidth <= part.clientWidth + 1 || part.classList.contains("editor")) return [];
    return part.dataset.more === undefined ? [part.tagName + "." + part.className] : [];
  })`)) as string[];
}
