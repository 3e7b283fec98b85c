import { expect, test } from "bun:test";

import { CalmLog } from "../../engine/telemetry/calm-log.ts";
import { createLog } from "../../engine/telemetry/log.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly error?: string;
}

/** A log with a clock of its own. `pass` lets seconds pass; in each the log looks what is due. */
function calm() {
  const lines: Line[] = [];
  let now = 0;
  const log = new CalmLog(
    createLog("json", (line) => {
      const { at: _, ...rest } = JSON.parse(line) as Line & { at: string };
      lines.push(rest);
    }),
    () => now,
  );
  const pass = (seconds: number, each: () => void = () => {}, perSecond = 1) => {
    for (let tick = 0; tick < seconds * perSecond; tick++) {
      each();
      now += 1_000 / perSecond;
      if ((tick + 1) % perSecond === 0) log.look();
    }
  };
  return { lines, log, pass, taken: () => lines.splice(0) };
}

const WHAT = "groups could not be looked at";
const refused = new Error("connect ECONNREFUSED");
const down = new Error("the database system is shutting down");
const first = { level: "error", message: WHAT, error: refused.message };

test("a trouble is written at once, then every 30 s with how often it came, and once when it is over", () => {
  const { log, pass, taken } = calm();
  const fail = () => log.error(WHAT, { error: refused });

  fail();
  expect(taken()).toEqual([first]);
  pass(61, fail, 4);
  expect(taken()).toEqual([
    { ...first, message: `still: ${WHAT} (121 times in 30 s)` },
    { ...first, message: `still: ${WHAT} (120 times in 30 s)` },
  ]);
  pass(60);
  expect(taken()).toEqual([{ level: "info", message: `over: ${WHAT} (245 times in 61 s, not again for 15 s)` }]);
  fail();
  expect(taken()).toEqual([first]);
});

test("another reason, another message, another field: each is written at once", () => {
  const { log, taken } = calm();
  log.error(WHAT, { error: down });
  log.error(WHAT, { error: refused });
  log.warn(WHAT, { error: refused });
  log.error("timers could not fire", { error: refused });
  log.error(WHAT, { error: refused, group: "screening" });
  log.error(WHAT, { error: refused, group: "contract" });
  log.error(WHAT, { error: refused });
  expect(taken()).toEqual([
    { ...first, error: down.message },
    first,
    { ...first, level: "warn" },
    { ...first, message: "timers could not fire" },
    { ...first, group: "screening" } as Line,
    { ...first, group: "contract" } as Line,
  ]);
});

test("the same trouble with other messages is not written again at every try", () => {
  const { log, pass, taken } = calm();
  let at = 0;
  const fail = () => {
    at += 1;
    log.error(WHAT, { error: refused, messages: at % 7, first: `lab.one/0 at ${at}` });
  };
  pass(20, fail, 10);
  expect(taken()).toEqual([expect.objectContaining({ ...first, messages: 1, first: "lab.one/0 at 1" })]);
});

test("a trouble with two reasons is over once, when neither comes any more", () => {
  const { log, pass, taken } = calm();
  pass(5, () => log.error(WHAT, { error: down }));
  pass(20, () => log.error(WHAT, { error: refused }));
  expect(taken()).toEqual([{ ...first, error: down.message }, first]);
  pass(30);
  expect(taken()).toEqual([{ level: "info", message: `over: ${WHAT} (25 times in 24 s, not again for 15 s)` }]);
});

test("lines that tell of no trouble pass, however often", () => {
  const { log, taken } = calm();
  for (let line = 0; line < 3; line++) log.info("a saga file is current", { file: "onboarding" });
  expect(taken()).toHaveLength(3);
});

test("what came once is not called over, and what is tried seldom is not over between two attempts", () => {
  const { log, pass, taken } = calm();
  log.error(WHAT, { error: refused });
  pass(600);
  expect(taken()).toEqual([first]);

  for (let attempt = 0; attempt < 6; attempt++) {
    log.error(WHAT, { error: refused });
    pass(20);
  }
  expect(taken()).toEqual([
    first,
    { ...first, message: `still: ${WHAT} (2 times in 40 s)` },
    { ...first, message: `still: ${WHAT} (2 times in 40 s)` },
  ]);
});

test("a stop leaves nothing unwritten", () => {
  const { log, pass, taken } = calm();
  pass(7, () => log.error(WHAT, { error: refused }));
  expect(taken()).toEqual([first]);
  log.flush();
  log.flush();
  expect(taken()).toEqual([{ ...first, message: `still: ${WHAT} (6 times in 6 s)` }]);
});

test("of thousands of troubles and reasons a few are remembered; what is forgotten is written first", () => {
  const { log, pass, taken } = calm();
  const often = () => log.error("often", { error: refused });
  for (let one = 0; one < 5_000; one++) {
    log.error(`trouble ${one}`, { error: refused });
    often();
  }
  // The one that keeps coming is not pushed out by those that came once.
  expect(taken().filter(({ message }) => message.includes("often"))).toHaveLength(1);
  log.flush();
  expect(taken()).toEqual([{ ...first, message: "still: often (4999 times in 0 s)" }]);

  for (let one = 0; one < 1_000; one++)
    for (let time = 0; time < 2; time++) log.error(WHAT, { error: new Error(`reason ${one}`) });
  log.flush();
  const lines = taken();
  expect(lines).toHaveLength(2_000);
  expect(lines.filter(({ message }) => message.startsWith("still:"))).toHaveLength(1_000);
  pass(100);
  expect(taken().at(-1)?.message).toStartWith(`over: ${WHAT} (2000 times`);
});
