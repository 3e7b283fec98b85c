import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ekiden } from "../cli/run-cli.ts";
import { eventually } from "../support/engine.ts";
import { axeFaults } from "./axe.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let parked: string;

beforeAll(async () => {
  stand = await openStand();
  parked = await stand.order("P-1", "Ito Ken", 450);
});

afterAll(() => stand?.close());

test("an action without an answer is not said to be sent again by itself; sent once more, it takes effect", async () => {
  const page = await stand.open(`/sagas/${parked}`);
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Reason").fill("the limit was raised");
  stand.line.cut();
  await dialog.getByRole("button", { name: "Retry" }).click();
  await dialog.getByRole("alert").getByText("Nothing is sent again by itself").waitFor();
  expect(await dialog.getByText("asks again by itself").count()).toBe(0);
  stand.line.mend();
  await dialog.getByRole("button", { name: "Retry" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("row", { name: /saga.retry the limit was raised/ }).waitFor();
  await page.context().close();
});

test("what a dialog reads beforehand is asked again by itself, when the engine answers once more", async () => {
  const page = await stand.open("/consumers?group=shop");
  await page.getByRole("button", { name: "Rewind" }).waitFor();
  stand.line.cut();
  await page.getByRole("button", { name: "Rewind" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The console asks again by itself.").waitFor();
  stand.line.mend();
  await dialog
    .getByText(/run again/)
    .first()
    .waitFor();
  expect(await dialog.getByRole("alert").count()).toBe(0);
  await page.context().close();
});

test("an engine that does not answer is said once a page, above what was read", async () => {
  for (const [path, there] of [
    ["/", ".reasons"],
    ["/parked", "section.sheet"],
    [`/sagas/${parked}`, ".ledger tr[data-row]"],
  ] as const) {
    const page = await stand.open(path);
    await page.locator(there).first().waitFor();
    await page.locator(".stream.live").waitFor();
    stand.line.cut();
    await page.locator(".trouble").nth(1).waitFor({ state: "attached" });
    await eventually(`once on ${path}`, async () => (await page.locator(".trouble.slim:visible").count()) === 1);
    stand.line.mend();
    await page.locator(".trouble").first().waitFor({ state: "detached" });
    await page.context().close();
  }
});

test("an address that no browser can have written is said to lead nowhere", async () => {
  const page = await stand.open("/definitions/%zz");
  await page.getByRole("heading", { level: 1, name: "Nothing stands here" }).waitFor();
  await page.getByRole("link", { name: "To the overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.context().close();
});

test("a saga whose answer waits for a paused group says so in the list too, and leads to that group", async () => {
  await stand.post("/v1/consumer-groups/shop/pause", { reason: "a release" });
  await stand.start("order", { orderNo: "G-1", customer: "Ito Ken", amount: 100 });
  const page = await stand.open("/sagas");
  const row = page.getByRole("row").filter({ hasText: "G-1" });
  await row.getByText("shop is paused").waitFor();
  await row.getByRole("link", { name: "G-1" }).click();
  await page.getByText("Waits for a consumer group that is paused").waitFor();
  await page.locator(".why").getByRole("link", { name: "shop" }).click();
  await page.getByRole("heading", { name: "Partitions of shop" }).waitFor();
  await page.getByRole("link", { name: "Overview" }).click();
  await page.locator(".reasons").getByRole("link", { name: "shop", exact: true }).click();
  await page.getByRole("heading", { name: "Partitions of shop" }).waitFor();
  await stand.post("/v1/consumer-groups/shop/resume", { reason: "done" });
  await page.getByRole("row", { name: /^shop running/ }).waitFor();
  await page.context().close();
});

test("what the doctor found leads to the page on which something can be done about it", async () => {
  const page = await stand.open("/pipeline");
  await page.locator(".findings").getByRole("link", { name: "sagas" }).click();
  await page.getByRole("heading", { level: 1, name: "Parked" }).waitFor();
  await page.goBack();
  await page.locator(".findings").getByRole("link", { name: "sagas" }).waitFor();
  expect(await axeFaults(page)).toEqual([]);
  await page.context().close();
});

test("what is pasted from a log or an error leads to the one id in it", async () => {
  const page = await stand.open("/sagas");
  for (const text of [
    `${parked}/charge`,
    `over_limit: an amount of 450, request ${parked.toLowerCase()}/charge`,
    `http://127.0.0.1:8080/sagas/${parked}?step=charge`,
    `${"a line longer than any key ".repeat(20)} ${parked}/charge`,
  ]) {
    await page.getByRole("searchbox").fill(text);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/sagas/${parked}`);
    await page.goto(`${stand.line.url}/sagas`);
  }
  // Of two nobody knows which is meant.
  await page.getByRole("searchbox").fill(`${parked} 01ARZ3NDEKTSV4RRFFQ69G5FAV`);
  await page.keyboard.press("Enter");
  await page.getByText("Nothing has the key or id").waitFor();
  await page.context().close();
});

test("a spreadsheet reads an exported file as UTF-8", async () => {
  const page = await stand.open("/sagas?status=parked");
  await page.getByRole("link", { name: "P-1" }).waitFor();
  const saving = page.waitForEvent("download");
  await page.getByRole("button", { name: "↓ CSV", exact: true }).click();
  const bytes = await Bun.file(await (await saving).path()).bytes();
  expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  await page.context().close();
});

test("in the place of a group that there is not no other is shown", async () => {
  const page = await stand.open("/consumers?group=gone");
  await page.getByText("No group is called gone").waitFor();
  expect(await page.getByRole("button", { name: /Pause|Rewind/ }).count()).toBe(0);
  await page.getByRole("link", { name: "shop" }).click();
  await page.getByRole("heading", { name: "Partitions of shop" }).waitFor();
  await page.context().close();
});

test("a saga that waits for its child says so above, with how the child stands as it changes", async () => {
  const delivery = await stand.start("delivery", { orderNo: "C-1", customer: "Abe", amount: 450 });
  const page = await stand.open(`/sagas/${delivery}`);
  const waits = page.locator(".why").filter({ hasText: "Waits for its child saga at parallel0/order/order" });
  await waits.getByText("parked").waitFor();
  await waits.getByRole("link", { name: "order C-1" }).click();
  await page.getByRole("button", { name: "Retry", exact: true }).waitFor();
  const child = new URL(page.url()).pathname.slice(7);
  await page.goBack();
  await waits.getByText("parked").waitFor();
  await stand.post(`/v1/sagas/${child}/terminate`, { reason: "a test" });
  await waits.waitFor({ state: "detached" });
  await page.context().close();
});

test("where no saga is yet, it is said how one of these definitions is started", async () => {
  const page = await stand.open("/v1/me");
  await page.route(/\/v1\/sagas\?/, (route) => route.fulfill({ json: { items: [], nextCursor: null } }));
  await page.goto(`${stand.line.url}/sagas`);
  const command = page.getByText(/^bun run ekiden start delivery/);
  await started((await command.textContent()) ?? "", { orderNo: "E-1", customer: "Abe", amount: 100 });
  await page.route("**/v1/overview", async (route) => {
    const numbers = (await (await route.fetch()).json()) as object;
    await route.fulfill({ json: { ...numbers, definitions: [] } });
  });
  await page.goto(stand.line.url);
  await command.waitFor();
  await page.getByRole("link", { name: "What delivery takes, and where it goes" }).click();
  await page.locator(".verdict").getByText("completed").waitFor();
  await page.context().close();
});

/** The command does what it says, with a file in the place of the one that it names. */
async function started(command: string, input: object): Promise<void> {
  const file = join(tmpdir(), `ekiden-input-${process.pid}.json`);
  await Bun.write(file, JSON.stringify(input));
  const words = command.replace("bun run ekiden ", "").replace("input.json", file).split(" ");
  expect(await ekiden(words, { EKIDEN_URL: stand.engine.url })).toMatchObject({ code: 0 });
}

test("who comes back to a list from a saga finds it where it was left", async () => {
  for (let index = 1; index <= 14; index += 1) {
    await stand.start("order", { orderNo: `B-${index}`, customer: "Kato", amount: 100 });
  }
  const page = await stand.open("/sagas", { viewport: { width: 1280, height: 400 } });
  await page.getByRole("link", { name: "B-1", exact: true }).waitFor();
  await page.evaluate("scrollTo(0, 300)");
  await page.getByRole("link", { name: "B-1", exact: true }).scrollIntoViewIfNeeded();
  const left = Number(await page.evaluate("scrollY"));
  await page.getByRole("link", { name: "B-1", exact: true }).click();
  await page.locator(".ledger tr[data-row]").first().waitFor();
  expect(await page.evaluate("scrollY")).toBe(0);
  await page.goBack();
  await eventually("it is where it was", async () => Number(await page.evaluate("scrollY")) === left);
  // A person scrolls on from there.
  await page.mouse.wheel(0, -100);
  await eventually("it is let go", async () => Number(await page.evaluate("scrollY")) < left);
  await page.context().close();
});

test("where the system chooses all colours, bars are seen and told apart", async () => {
  const page = await stand.open(`/sagas/${parked}`, { forcedColors: "active" });
  await page.locator(".waterfall .hop.running").first().waitFor();
  const colours = await page.evaluate(`["inQueue", "running", "inTransport"].map((hop) =>
    getComputedStyle(document.querySelector(".legend .hop." + hop)).backgroundColor)`);
  expect(new Set(colours as string[]).size).toBe(3);
  await page.goto(stand.line.url);
  await page.locator(".share").first().waitFor();
  expect(await page.evaluate(`getComputedStyle(document.querySelector(".share i")).forcedColorAdjust`)).toBe("none");
  await page.context().close();
});

test("from filters that the engine does not know there is a way back to all sagas", async () => {
  const page = await stand.open("/sagas?status=nonsense");
  await page.getByRole("alert").getByText("request.query-invalid").waitFor();
  await page.getByRole("link", { name: "Take all filters away" }).click();
  await page.getByRole("link", { name: "P-1", exact: true }).waitFor();
  await page.context().close();
});
