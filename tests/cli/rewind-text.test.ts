import { expect, test } from "bun:test";

import { rewindText } from "../../engine/cli/rewind-command.ts";

const PART = {
  topic: "screening.examine",
  partition: 0,
  from: 9,
  to: 2,
  done: 3,
  run: 2,
  parked: 1,
  closed: 1,
  waiting: 0,
  expired: 0,
};

test("a rewind is a table and a sentence that says what follows", () => {
  expect(rewindText({ group: "screening", preview: true, parts: [PART, { ...PART, partition: 1, closed: 0 }] })).toBe(
    [
      "screening: would move (nothing was moved)",
      "TOPIC              PARTITION  FROM  TO  RUNS AGAIN  PARKED  SKIPPED  GIVEN UP  NOT YET CONSUMED",
      "screening.examine  0          9     2   2           1       3        1         0",
      "screening.examine  1          9     2   2           1       3        0         0",
      "4 messages that failed run again (2 of them at a step where the saga is parked, which goes on if they succeed), 6 are skipped as done, 1 stays given up. What was done is done once.",
    ].join("\n"),
  );
});

test("what the topics hold no more is counted, and where it is", () => {
  const text = rewindText({ group: "screening", preview: true, parts: [{ ...PART, expired: 12 }] });

  expect(text).toEndWith(
    "What was done is done once. 12 messages of that span are older than what the topics hold, and not read again: `ekiden republish` has them.",
  );
});

test("a skip says what is lost", () => {
  const text = rewindText({
    group: "screening",
    preview: false,
    parts: [{ ...PART, to: 10, done: 0, run: 0, parked: 0 }],
  });

  expect(text).toContain("screening: moved\n");
  expect(text).toContain("1 message is passed over: the group never sees them.");
});
