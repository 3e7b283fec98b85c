import { expect } from "bun:test";

/** Has the engine fold all its sagas from their events; fails with what differs. */
export async function expectVerified(url: string): Promise<void> {
  let checked = 0;
  for (let cursor = ""; ; ) {
    const response = await fetch(`${url}/v1/verify?limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`);
    const page = (await response.json()) as {
      checked: number;
      differences: unknown[];
      unverifiable: unknown[];
      nextCursor: string | null;
    };
    expect({ differences: page.differences, unverifiable: page.unverifiable }).toEqual({
      differences: [],
      unverifiable: [],
    });
    checked += page.checked;
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  expect(checked).toBeGreaterThan(0);
}
