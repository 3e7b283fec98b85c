import { describe, expect, test } from "bun:test";
import { branchingPlanted } from "./explorer/branching-planted.ts";
import { explore, type Found } from "./explorer/explore.ts";
import { models } from "./explorer/models.ts";
import { operatorPlanted } from "./explorer/operator-planted.ts";
import { planted } from "./explorer/planted.ts";

const found = new Map<string, Found>();

describe("every run that is possible keeps the invariants", () => {
  for (const [name, model] of Object.entries(models)) {
    test(name, () => {
      const result = explore(model);
      found.set(name, result);
      console.log(`  ${name}: ${result.states} states, ${result.edges} edges, ${JSON.stringify(result.statuses)}`);
      expect(result.violation ?? "").toBe("");
    }, 60_000);
  }

  test("the runs end in every way in which a saga may end", () => {
    const seen = new Set([...found.values()].flatMap(({ statuses }) => Object.keys(statuses)));
    expect([...seen].sort()).toEqual([
      "cancelled",
      "compensating",
      "completed",
      "failed",
      "parked",
      "running",
      "terminated",
    ]);
    expect(found.size).toBe(Object.keys(models).length);
    for (const [name, { states }] of found) expect(`${name}: ${states > 1_000}`).toBe(`${name}: true`);
  });
});

describe("a planted bug is found", () => {
  for (const { bug, model, violation } of [...planted, ...branchingPlanted, ...operatorPlanted]) {
    test(bug, () => {
      const story = explore(model).violation ?? "nothing was found";
      expect(story.split("\n")[0] ?? "").toMatch(violation);
    }, 60_000);
  }
});
