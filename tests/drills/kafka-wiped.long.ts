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
  "all of Kafka is wiped while two engines run: after the recovery every saga ends, each effect once",
  async () => {
    await drill.turnTo("Kafka is empty");
    await drill.apply(12);
    await drill.settled();
    // Their commands lie in Kafka alone, and the slot has passed them.
    await drill.hold("screening");
    await drill.apply(8);
    await drill.waitsFor("screening");
    await drill.release("screening");

    drill.clock.broken();
    await stack.wipeKafka();
    expect(await drill.turnsRed(/^history: /)).toContain("this history was sent to");
    await drill.apply(4);
    expect(await drill.follow("check")).toContain("would be sent again");
    expect(await drill.follow("action")).toContain("Recovered in");
    await drill.healed();

    expect(await drill.follow("worked")).toContain('"ready":true');
    expect(await drill.audit()).toContainEqual(["history.recover", "history", "Kafka's disks were replaced"]);
  },
  DRILL_MS,
);
