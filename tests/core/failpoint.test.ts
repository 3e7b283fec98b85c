import { expect, test } from "bun:test";
import { armFailpoint, FAILPOINTS, failpoint, loopOfGroup } from "../../engine/failpoint.ts";

test("a failpoint kills at its n-th passing, and no other place does", () => {
  let kills = 0;
  const fault = armFailpoint({ EKIDEN_TEST: "1", EKIDEN_FAILPOINT: "participant.after-effect:2" }, () => {
    kills += 1;
  });
  const seen = [];
  for (const pass of [
    () => failpoint("participant", "after-effect"),
    () => failpoint("participant", "after-commit"),
    () => failpoint("single", "after-effect"),
    () => failpoint("participant", "after-effect"),
    () => failpoint("participant", "after-effect"),
  ]) {
    pass();
    seen.push(kills);
  }

  expect({ fault, seen }).toEqual({ fault: undefined, seen: [0, 0, 0, 1, 1] });
});

test("nothing is armed outside of tests, or by a name that is none; the names are said", () => {
  const kill = () => {
    throw new Error("killed");
  };
  expect(armFailpoint({}, kill)).toBeUndefined();
  expect(armFailpoint({ EKIDEN_FAILPOINT: "start.after-claim" }, kill)).toContain("EKIDEN_TEST=1");
  for (const name of ["start.after-offset", "start.after-claim:0", "nowhere", "start.after-claim:x"])
    expect(armFailpoint({ EKIDEN_TEST: "1", EKIDEN_FAILPOINT: name }, kill)).toContain("start.after-claim, ");
  failpoint("start", "after-claim");
});

test("every failpoint is a loop and a place, and every group has its loop", () => {
  expect(FAILPOINTS.filter((name) => !/^[a-z-]+\.after-(claim|effect|requests|commit|offset)$/.test(name))).toEqual([]);
  expect(["dispatcher", "lab", "lab.ends", "start.order"].map(loopOfGroup)).toEqual([
    "dispatcher",
    "participant",
    "projection",
    "start-message",
  ]);
});
