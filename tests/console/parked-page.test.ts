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
  const failures = page.locator(".attempts > details").filter({ hasText: "over_limit an amount of 450" });
  await eventually("the last is no longer under way", async () => (await failures.count()) === 3);
  const times = await page.evaluate(
    `[...document.querySelectorAll(".attempts time")].map((one) => one.getAttribute("datetime"))`,
  );
  expect(times).toEqual((await failed()).toReversed());
  await page.context().close();
});

test("of more reasons than the list names, it says that these are the largest", async () => {
  const page = await stand.open("/parked");
  await page.getByRole("heading", { name: "Sagas of this group" }).waitFor();
  expect(await page.getByText("The 200 largest groups").count()).toBe(0);
  await stand.engine.sql`
    with sagas as (
      insert into timeline.saga (id, definition, version, revision, status, key, input, error)
      select timeline.new_ulid(), name, version, revision, 'parked', 'K-' || n, '{}',
        jsonb_build_object('code', 'code_' || translate(n::text, '0123456789', 'abcdefghij'), 'message', 'no', 'step', 'charge')
      from timeline.definition, generate_series(1, 201) n where name = 'order'
      returning id, key
    )
    insert into timeline.saga_open (saga_id, definition, key, status) select id, 'order', key, 'parked' from sagas
  `;
  await page.reload();
  await page.getByText("The 200 largest groups are shown").waitFor();
  await page.context().close();
});

/** When each attempt failed, the oldest first. */
async function failed(): Promise<string[]> {
  const { items } = (await (await fetch(`${stand.engine.url}/v1/messages?saga=${parked}&limit=200`)).json()) as {
    items: { failures: { failedAt: string }[] }[];
  };
  return items.flatMap(({ failures }) => failures.map(({ failedAt }) => failedAt)).toSorted();
}
