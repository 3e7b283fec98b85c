import { afterAll, beforeAll, expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

const GROUP = {
  groupId: "6f1a",
  definition: "onboarding",
  step: "screen",
  consumerGroup: "screening",
  error: { code: "down", message: "no answer after 17 ms", step: "screen" },
  pattern: "no answer after … ms",
  sagas: 12,
  firstAt: "2026-01-02T03:04:05.678Z",
  lastAt: "2026-01-02T04:04:05.678Z",
  newestSagaId: "01KAS0CW5X2V7J4H8N6D3Q1RTB",
};
const ALONE = { ...GROUP, step: null, consumerGroup: null, pattern: null, sagas: 1 };

let server: ReturnType<typeof Bun.serve>;
let items: readonly object[] = [];
const asked: string[] = [];

beforeAll(() => {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url }) {
      const { pathname, search } = new URL(url);
      asked.push(`${pathname}${search}`);
      return Response.json({ items, nextCursor: null });
    },
  });
});
afterAll(() => server.stop(true));

test("why sagas are parked is a table, and why steps are tried again another", async () => {
  items = [GROUP, ALONE];
  const parked = await run("errors");
  const retrying = await run("errors", "--retrying");

  expect(asked).toEqual(["/v1/parked", "/v1/retrying"]);
  expect(parked.split("\n").slice(1)).toEqual([
    "12     onboarding  screen  screening       down: no answer after … ms   2026-01-02 03:04:05Z  2026-01-02 04:04:05Z  01KAS0CW5X2V7J4H8N6D3Q1RTB",
    "1      onboarding  -       -               down: no answer after 17 ms  2026-01-02 03:04:05Z  2026-01-02 04:04:05Z  01KAS0CW5X2V7J4H8N6D3Q1RTB",
    "",
  ]);
  expect(retrying).toContain("04:04:05Z  6f1a\n");
  expect(retrying).toEndWith("bun run ekiden list --retrying-group <group>\n");

  items = [];
  expect(await run("errors", "--retrying")).toBe("No step is tried again.\n");
  await run("list", "--retrying-group", "6f1a");
  expect(asked.at(-1)).toBe("/v1/sagas?retryingGroup=6f1a");
}, 30_000);

async function run(...args: string[]): Promise<string> {
  const { code, out, err } = await ekiden(args, { EKIDEN_URL: server.url.origin });
  expect([code, err]).toEqual([0, ""]);
  return out;
}
