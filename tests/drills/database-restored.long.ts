import { afterAll, beforeAll, expect, test } from "bun:test";

import { DRILL_MS, Drill } from "../support/drill.ts";
import { OwnStack } from "./own-stack.ts";

let stack: OwnStack;
let drill: Drill;

beforeAll(async () => {
  stack = await OwnStack.start();
  drill = await Drill.open({ stack });
  await drill.run(2);
}, DRILL_MS);

afterAll(async () => {
  await drill?.close();
  await stack?.stop();
}, DRILL_MS);

test(
  "the database is restored to before half of the applications: the others go on, these are unknown and can come again",
  async () => {
    await drill.turnTo("PostgreSQL was restored");
    await drill.apply(12);
    await drill.settled();
    await drill.end();
    await stack.backUp();
    await drill.run(2);
    await drill.approve();
    await drill.apply(8);
    await drill.settled();

    await drill.end("SIGKILL");
    drill.clock.broken();
    await stack.restore();
    await drill.run(2);
    expect(await drill.turnsRed(/^history: /)).toContain("was restored to an earlier point");
    expect(await drill.follow("check")).toContain("not executed");
    expect(await drill.follow("action")).toContain("Recovered in");
    // Whoever had started the others does so again.
    await drill.applyAgain(8);
    await drill.healed();

    expect(await drill.follow("worked")).toContain('"ready":true');
    expect(await drill.audit()).toContainEqual(["history.recover", "history", "restored from the backup of 03:00"]);
  },
  DRILL_MS,
);
