import { describe, expect, test } from "bun:test";
import { playMany } from "./play-many.ts";
import { tellSeed } from "./play.ts";
import { planted } from "./planted.ts";

const SEEDS = 1_200;
/** A planted bug is looked for from a seed near the first that finds it, and in this many. */
const PLANTED_SEEDS = 6_000;

/** What must have been met, each at least this often: a run that meets nothing breaks nothing. */
const LEAST = 4;
const EXPECTED = [
  ...["child", "grandchild", "command sent", "compensation sent", "late call", "redelivered"],
  ...["saga.started", "step.succeeded", "step.rejected", "step.failed", "signal.received", "timer.fired"].map(event),
  ...["compensation.succeeded", "compensation.failed", "child.ended", "child.compensated", "child.released"].map(event),
  ...["compensate.requested", "parent.terminated", "cancel.requested", "retry.requested", "skip.requested"].map(event),
  ...["resolve.requested", "terminate.requested", "edit.requested"].map(event),
  ...["running", "closed", "done", "rejected", "unknown", "compensating"].map((state) => `guard ${state}`),
  ...["late", "final", "compensating", "not-parked", "past-pivot"].map((reason) => `no-op ${reason}`),
  ...["completed", "failed", "cancelled", "terminated"].map((status) => `end ${status}`),
];

function event(type: string): string {
  return `event ${type}`;
}

test("random families of sagas keep every promise and come to an end, whatever breaks and whoever intervenes", () => {
  const { broken, counts, text } = playMany(0, { seeds: SEEDS });
  const [seeds] = broken.values();
  if (seeds?.[0] !== undefined) console.log(tellSeed(seeds[0]));

  expect([...broken]).toEqual([]);
  console.log(`  ${text.split("\n").at(-1)}`);
  expect(EXPECTED.filter((what) => (counts.get(what) ?? 0) < LEAST)).toEqual([]);
}, 60_000);

describe("a planted bug is found", () => {
  test.each([...planted])(
    "$bug",
    ({ decides, violation, from }) => {
      const { broken } = playMany(from, { seeds: PLANTED_SEEDS, firstBroken: true }, decides);
      const [[kind, [seed]]] = [...broken] as unknown as [[string, number[]]];

      expect(kind).toMatch(violation);
      expect(tellSeed(seed as number, decides)).toContain(`seed ${seed}: `);
    },
    60_000,
  );
});
