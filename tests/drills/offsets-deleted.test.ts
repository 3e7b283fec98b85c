import { afterAll, beforeAll, expect, test } from "bun:test";

import { Drill, DRILL_MS } from "../support/drill.ts";

const GROUPS = ["dispatcher", "application", "screening", "contract", "notification", "ledger", "application.standing"];

let drill: Drill;

beforeAll(async () => {
  drill = await Drill.open({ entry: "The offsets of a group are gone" });
}, DRILL_MS);

afterAll(() => drill?.close(), DRILL_MS);

test(
  "every group's offsets are deleted while two engines are down: all is read again, and skipped",
  async () => {
    await drill.run(2);
    await drill.apply(16);
    await drill.settled();
    const [before] = await drill.sql`select count(*)::integer as rows, sum(attempts)::integer as attempts from timeline.event_consumption`;
    await drill.end();

    drill.clock.broken();
    await drill.withAdmin((admin) => admin.deleteGroups(GROUPS.map((group) => drill.prefix + group)));
    await drill.run(2);
    await drill.apply(4);
    expect(await drill.follow("check")).toContain("dispatcher");
    await drill.healed();

    expect(await drill.follow("worked")).toContain("No message fits.");
    expect(before).toEqual({});
    expect(await drill.audit()).toEqual([]);
  },
  DRILL_MS,
);
