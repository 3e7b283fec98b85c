import { afterAll, beforeAll, expect, test } from "bun:test";

import { DRILL_MS, Drill, PATIENCE_MS } from "../support/drill.ts";
import { eventually } from "../support/engine.ts";

const GROUPS = ["dispatcher", "application", "screening", "contract", "notification", "ledger", "application.standing"];

let drill: Drill;

beforeAll(async () => {
  drill = await Drill.open();
  await drill.run(2);
}, DRILL_MS);

afterAll(() => drill?.close(), DRILL_MS);

test(
  "the connector is deleted while two engines run: what is written meanwhile arrives once it is back",
  async () => {
    await drill.turnTo("The connector was deleted");
    await drill.apply(8);
    drill.clock.broken();
    await drill.deleteConnector();
    await drill.apply(8);
    await eventually("it is registered again", () => drill.connectorExists(), PATIENCE_MS);
    await drill.healed();

    expect(await drill.follow("check")).toContain(drill.connector);
    expect(await drill.follow("worked")).toContain('"ready":true');
    expect(await drill.audit()).toEqual([]);
  },
  DRILL_MS,
);

test(
  "the replication slot is dropped while two engines run: what was written without one is sent again",
  async () => {
    await drill.turnTo("The replication slot was dropped");
    await drill.apply(8);
    drill.clock.broken();
    await drill.dropSlot();
    await drill.apply(8);
    await drill.turnsRed(/^(?:slot|lost requests): /);
    expect(await drill.follow("check")).toContain(drill.slot);
    await eventually("there is a new slot", () => drill.slotIsRead(), PATIENCE_MS);
    expect(await drill.follow("action")).toContain("sent");
    await drill.healed();

    expect(await drill.follow("worked")).toContain('"ready":true');
    expect(await drill.audit()).toEqual([["messages.republish", expect.any(String), "the slot was dropped"]]);
  },
  DRILL_MS,
);

test(
  "every group's offsets are deleted while two engines are down: all is read again, and skipped",
  async () => {
    await drill.turnTo("The offsets of a group are gone");
    const groups = GROUPS.map((group) => drill.prefix + group);
    // Kafka itself keeps an operator from deleting a group that has members.
    await expect(drill.withAdmin((admin) => admin.deleteGroups(groups))).rejects.toThrow();
    await drill.end();
    const before = await consumed();

    drill.clock.broken();
    await drill.withAdmin((admin) => admin.deleteGroups(groups));
    await drill.run(2);
    await drill.apply(4);
    expect(await drill.follow("check")).toContain("dispatcher");
    await drill.healed();

    expect(await drill.follow("worked")).toContain("No message fits.");
    // Not a single row was taken up again.
    expect((await consumed()).slice(0, before.length)).toEqual(before);
    expect(before.length).toBeGreaterThan(100);
  },
  DRILL_MS,
);

/** Every message that a group has consumed, with its attempts, in the order in which they were done. */
async function consumed(): Promise<object[]> {
  return [
    ...(await drill.sql`
      select consumer_group, message_id, attempts, consumed_at from timeline.event_consumption
      where topic <> '__heartbeat' order by consumed_at, consumer_group, message_id
    `),
  ];
}
