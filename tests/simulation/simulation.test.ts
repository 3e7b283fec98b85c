import { describe, expect, test } from "bun:test";
import { loadDefinition } from "../../engine/definition/load.ts";
import { Coverage } from "./coverage.ts";
import { FOUND_SEEDS } from "./found-seeds.ts";
import { catalog } from "./handlers.ts";
import { definitionsOf, simulateSeed, tellSeed } from "./simulate-seed.ts";

const SEEDS = 2_000;

/** Every kind of step, every key of the language, every event and every end must have been met, each at least this often. */
const LEAST = 5;
const EXPECTED = {
  kind: [
    "choose",
    "command",
    "each",
    "end",
    "fail",
    "notify",
    "parallel",
    "parallel any",
    "saga",
    "set",
    "sleep",
    "wait",
  ],
  event: [
    "saga.started",
    "step.succeeded",
    "step.rejected",
    "step.failed",
    "compensation.succeeded",
    "compensation.failed",
    "signal.received",
    "timer.fired",
    "cancel.requested",
    "retry.requested",
    "child.ended",
    "child.compensated",
    "compensate.requested",
    "child.released",
  ],
  "no-op": ["late", "final", "compensating", "stale", "not-parked", "past-pivot"],
  guard: ["running", "closed", "done", "rejected", "unknown"],
  end: ["completed", "failed", "cancelled"],
  status: ["running", "compensating", "parked", "completed", "failed", "cancelled"],
  handler: ["well", "refused", "busy", "failing", "fatal", "slow", "late", "threw", "not-sent", "compensation failing"],
  key: [
    ...["also", "any", "as", "attempts", "backoff", "cases", "catch", "choose", "code", "command", "compensate"],
    ...["concurrency", "deadline", "defaults", "each", "else", "end", "factor", "fail", "failed", "if", "in", "input"],
    ...[
      "jitter",
      "join",
      "key",
      "labels",
      "match",
      "max",
      "message",
      "never",
      "notify",
      "optional",
      "outcome",
      "output",
    ],
    ...[
      "parallel",
      "pivot",
      "rejected",
      "retry",
      "returns",
      "saga",
      "set",
      "sleep",
      "step",
      "steps",
      "then",
      "timeout",
    ],
    ...["until", "version", "wait", "when", "with"],
  ],
  fault: [
    "crash of a dispatcher",
    "crash of a participant",
    "connection lost before the commit",
    "connection lost after the commit",
    "messages twice",
    "a message in error comes again",
    "a lane delayed",
    "a group rewound",
    "partitions taken away",
    "the clock jumps ahead",
    "the clock jumps back",
    "the dispatcher paused",
    "a signal",
    "a signal twice",
    "a cancel",
    "a child cancelled",
    "an operator retries",
  ],
} as const;

test(`${SEEDS} random sagas under random faults keep every rule, and meet everything`, async () => {
  const coverage = new Coverage();
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const result = await simulateSeed(seed);
    coverage.add(result.coverage);
    if (result.violation !== undefined) throw new Error(await tellSeed(seed));
  }

  const missing = Object.entries(EXPECTED).flatMap(([topic, expected]) =>
    expected
      .filter((what) => (coverage.of(topic as keyof typeof EXPECTED).get(what) ?? 0) < LEAST)
      .map((what) => `${topic} ${what}`),
  );
  expect(missing).toEqual([]);
  const ends = coverage.of("end");
  const [completed = 0, failed = 0] = [ends.get("completed"), ends.get("failed")];
  expect(Math.min(completed, failed)).toBeGreaterThan(SEEDS / 4);
}, 240_000);

describe("a seed that was once broken stays mended", () => {
  for (const { seed, why } of FOUND_SEEDS) {
    test(`${seed}: ${why}`, async () => {
      expect((await simulateSeed(seed)).violation ?? "").toBe("");
    });
  }
});

test("the definitions of the generator pass every check", () => {
  for (let seed = 0; seed < 800; seed += 8) {
    for (const source of definitionsOf(seed).sources.byName.values()) {
      const { diagnostics } = loadDefinition(source, { catalog });
      expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    }
  }
});

test("the same seed is the same run", async () => {
  for (const seed of [3, 17, 42, 77]) expect(await tellSeed(seed)).toBe(await tellSeed(seed));
});
