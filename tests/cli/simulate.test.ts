import { expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

test("simulate tells path, messages and compensations of a saga without a database", async () => {
  const { code, out } = await ekiden([
    "simulate",
    "domains/onboarding.saga.yaml",
    "--input",
    "domains/onboarding.example.json",
    "--outcome",
    "screen=rejected:too_young",
  ]);
  const lines = out.split("\n");

  expect(lines.filter((line) => line.startsWith("0s")).map((line) => line.replace(/ {2}\{.*/, ""))).toEqual([
    "0s  → apply       application.register",
    "0s  ← apply       succeeded",
    "0s  → screen      screening.examine",
    "0s  ← screen      rejected (too_young)",
    "0s  ■             compensating: too_young",
    "0s  → undo apply  application.cancel",
    "0s  ← undo apply  undone",
    "0s  ■             failed: too_young",
  ]);
  expect(lines.slice(-4)).toEqual([
    "path    apply, screen, undo apply",
    "status  failed after 0s",
    "error   too_young at screen: rejected in the simulation",
    "",
  ]);
  expect(code).toBe(0);
});

const REVIEW = ["simulate", "onboarding", "--outcome", 'screen={"result":"manual_review"}'];

test("by name, with a signal at a time; the input is made up from the definition", async () => {
  const { code, out } = await ekiden([...REVIEW, "--signal", "screening_reviewed@1d"]);

  expect(out).toMatch(/^1d {2}⇢ +signal screening_reviewed {2}\{"decision":"approve","reviewer":""\}$/m);
  expect(out).toContain("status  completed after 1d");
  expect(code).toBe(0);
});

test("--at stops the clock; --json gives the story as data", async () => {
  const { code, out } = await ekiden([...REVIEW, "--at", "2h", "--json"]);

  expect(JSON.parse(out)).toMatchObject({
    steps: ["apply", "screen", "review"],
    status: "running",
    waitingFor: ["screening_reviewed"],
    ended: "time",
    endedAtMs: 7_200_000,
    unused: [],
  });
  expect(code).toBe(0);
});

test("the same step again is its next attempt", async () => {
  const attempts = ["--outcome", "screen=failed", "--outcome", "screen=rejected:no"];
  const { out } = await ekiden(["simulate", "onboarding", ...attempts]);

  expect(out).toContain("1s  ← screen      rejected (no) (attempt 2)");
});

test("--cancel and --start: a cancel at a time, a start at a date", async () => {
  const { out } = await ekiden([...REVIEW, "--cancel", "1h", "--start", "2026-03-01"]);

  expect(out).toContain("status  cancelled after 1h");
});

const WRONG: readonly (readonly [args: readonly string[], says: string])[] = [
  [["onbording"], 'there is no definition "onbording". Did you mean `onboarding`?'],
  [["nowhere.saga.yaml"], "there is no file nowhere.saga.yaml"],
  [["onboarding", "--outcome", "screen"], "write it as step=outcome\nfix: Write succeeded, rejected"],
  [["onboarding", "--outcome", "screen=rejct"], "`rejct` is no outcome\nfix: Write succeeded, rejected"],
  [["onboarding", "--outcome", "scren=rejected"], "no step `scren`\nfix: Did you mean `screen`?"],
  [
    ["onboarding", "--outcome", "review=rejected"],
    "`review` is a wait: no participant answers it\nfix: Give it a signal.",
  ],
  [["onboarding", "--outcome", "undo contract=failed"], "`contract` has no compensation"],
  [["onboarding", "--outcome", 'screen={"result":"good"}'], "/result is none of"],
  [["onboarding", "--outcome", "screen={"], "--outcome screen is no JSON"],
  [
    ["onboarding", "--signal", "reviewed"],
    "no step waits for the signal `reviewed`\nfix: Known here: screening_reviewed.",
  ],
  [["onboarding", "--signal", "screening_reviewed={}"], "/decision is missing"],
  [["onboarding", "--signal", "screening_reviewed@soon"], 'is "soon", which is no time'],
  [["onboarding", "--cancel", "soon"], '--cancel is "soon", which is no time'],
  [["onboarding", "--start", "soon"], '--start is "soon", which is no date'],
  [["onboarding", "--input", "{}"], "/applicationNo is missing"],
  [["onboarding", "--input", "nowhere.json"], "nowhere.json cannot be read"],
];

test.each(WRONG)("wrong usage is exit code 2: %p", async (args, says) => {
  const { code, err } = await ekiden(["simulate", ...args]);

  expect(err).toContain(says);
  expect(code).toBe(2);
});

test("a definition with errors is shown with its lines and not simulated: exit code 1", async () => {
  const { code, out, err } = await ekiden(["simulate", "tests/definition/fixtures/bad-catch.yaml"]);

  expect(err).toContain("tests/definition/fixtures/bad-catch.yaml:7:7: error: `cancelled` cannot be caught");
  expect(out).toBe("");
  expect(code).toBe(1);
});
