import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { eventually } from "../support/engine.ts";
import { openStand, type Stand } from "./stand.ts";

setDefaultTimeout(60_000);

let stand: Stand;
let parked: string;

beforeAll(async () => {
  stand = await openStand();
  parked = await stand.order("P-1", "Ito Ken", 450);
});

afterAll(() => stand?.close());

test("all attempts of a parked step are counted, those by other messages as well, the newest first", async () => {
  const page = await stand.open("/parked");
  await page.getByRole("heading", { name: "All attempts at this step: 1" }).waitFor();
  for (const failures of [2, 3]) {
    await stand.post(`/v1/sagas/${parked}/retry`, { step: "charge", reason: "once more" });
    await eventually("it has failed again", async () => (await failed()).length === failures);
  }
  // Another step's are not among them.
  await page.getByRole("heading", { name: "All attempts at this step: 3" }).waitFor();
  const list = page.locator(".attempts > *");
  expect((await list.allInnerTexts()).map((text) => /over_limit an amount of 450/.test(text))).toEqual(
    Array(3).fill(true),
  );
  const times = await page.evaluate(
    `[...document.querySelectorAll(".attempts time")].map((one) => one.getAttribute("datetime"))`,
  );
  expect(times).toEqual((await failed()).toReversed());
  await page.context().close();
});

/** When each attempt failed, the oldest first. */
async function failed(): Promise<string[]> {
  const { items } = (await (await fetch(`${stand.engine.url}/v1/messages?saga=${parked}&limit=200`)).json()) as {
    items: { failures: { failedAt: string }[] }[];
  };
  return items.flatMap(({ failures }) => failures.map(({ failedAt }) => failedAt)).toSorted();
}
