import { expect, test } from "bun:test";

import { progressText } from "../../engine/cli/redrive-progress.ts";
import { redriveText, redrivesText, selectedText } from "../../engine/cli/redrive-text.ts";

const REDRIVE = {
  redriveId: "01KAS0CW5X2V7J4H8N6D3Q1RTB",
  status: "running",
  problem: null,
  selection: { filter: { group: "screening" } },
  reason: "points table mended",
  actor: "local",
  ratePerSecond: 10,
  stopAfterErrors: 3,
  total: 8,
  waiting: 3,
  sent: 1,
  done: 2,
  failed: 1,
  closed: 1,
  createdAt: "2026-01-31T12:00:00.000Z",
  finishedAt: null,
  items: [
    {
      position: 1,
      group: "screening",
      messageId: "01KAS0CW5W3H9E6P0R8B2D4FGT",
      status: "failed",
      republishId: "01KAS0CW5W3H9E6P0R8B2D4FGV",
      errorCode: "exception",
      sentAt: "2026-01-31T12:00:01.000Z",
      settledAt: "2026-01-31T12:00:02.000Z",
    },
  ],
  nextCursor: "abc",
} as const;

test("the bar says how far a redrive is, and that the first decides", () => {
  const items = [...REDRIVE.items];
  expect(progressText({ ...REDRIVE, items })).toBe(
    "████████████░░░░░░░░░░░░  50 %  2 done, 1 failed, 1 closed, 1 on their way, of 8",
  );
  expect(progressText({ ...REDRIVE, items, status: "first" })).toContain("the first decides whether the rest follow");
});

test("a redrive is shown with its messages and where there are more", () => {
  const text = redriveText({ ...REDRIVE, items: [...REDRIVE.items] });

  expect(text).toContain("messages  8: 2 done, 1 failed again, 1 closed, 1 on their way, 3 not sent");
  expect(text).toContain("1  01KAS0CW5W3H9E6P0R8B2D4FGT  screening  failed  exception  2026-01-31 12:00:02Z");
  expect(text).toContain("ekiden redrives show 01KAS0CW5X2V7J4H8N6D3Q1RTB --cursor abc");
  expect(text).not.toContain("problem");
});

test("a list of redrives has one line each", () => {
  expect(redrivesText([])).toBe("There was no redrive.");
  expect(redrivesText([REDRIVE]).split("\n")[1]).toBe(
    "01KAS0CW5X2V7J4H8N6D3Q1RTB  running  8      2     1       1       4      2026-01-31 12:00:00Z  points table mended",
  );
});

test("a preview shows some, says how many more, and what is left out", () => {
  const one = { group: "screening", messageId: "M", topic: "screening.examine", saga: null, errorCode: "exception" };
  const text = selectedText({ preview: true, total: 12, settled: 4, sample: [one] });

  expect(text).toContain("… and 11 more.");
  expect(text).toContain("12 would be sent: one first, the rest when it is consumed without error.");
  expect(text).toContain("4 that failed are left out");
  expect(selectedText({ preview: true, total: 0, settled: 0, sample: [] })).toContain("No failed message");
});
