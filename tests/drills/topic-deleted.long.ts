import { afterAll, beforeAll, expect, test } from "bun:test";

import { DRILL_MS, Drill } from "../support/drill.ts";

let drill: Drill;

beforeAll(async () => {
  drill = await Drill.open();
  await drill.run(2);
}, DRILL_MS);

afterAll(() => drill?.close(), DRILL_MS);

test(
  "a topic is deleted with commands in it that nobody has consumed: it is made again, and after the recovery they arrive",
  async () => {
    await drill.turnTo("A topic was deleted");
    await drill.apply(12);
    await drill.settled();
    await drill.keptInMind("screening.examine");
    await drill.hold("screening");
    await drill.apply(8);
    await drill.waitsFor("screening");

    drill.clock.broken();
    await drill.withAdmin((admin) => admin.deleteTopics({ topics: [`${drill.prefix}screening.examine`] }));
    await drill.release("screening");
    expect(await drill.turnsRed(/^history: /)).toContain("screening.examine");
    await drill.apply(4);
    expect(await drill.follow("check")).toContain("would be sent again");
    expect(await drill.follow("action")).toContain("Recovered in");
    await drill.healed();

    expect(await drill.follow("worked")).toContain("screening");
    expect(await drill.audit()).toContainEqual(["history.recover", "history", "a topic was deleted"]);
  },
  DRILL_MS,
);
