import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

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

test("an address that no browser can have written is said to lead nowhere", async () => {
  const page = await stand.open("/definitions/%zz");
  await page.getByRole("heading", { level: 1, name: "Nothing stands here" }).waitFor();
  await page.getByRole("link", { name: "To the overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.context().close();
});
