import { expect, test } from "bun:test";

import { consumerHealth } from "../../engine/health.ts";
import { engineFindings } from "../../engine/recovery/doctor/engine-findings.ts";
import type { ConsumerStatus } from "../../engine/transport/port.ts";

const status: ConsumerStatus = {
  group: "mail",
  state: "running",
  partitions: [],
  inHand: 2_000,
  progressAt: new Date(0),
};

test("a group that does its work is well, and has no hint", () => {
  const part = { part: "consumer mail", ok: true, detail: "running, 2000 messages in hand" };
  expect(consumerHealth(status)).toEqual(part);
});

test("a group that is full of calls that do not end is ready all the same, and doctor warns of it", () => {
  const part = consumerHealth({ ...status, warning: "no room for more: 1980 of them call" });
  const { hint = "" } = part;
  const detail = "running, 2000 messages in hand: no room for more: 1980 of them call";
  expect(part).toEqual({ part: "consumer mail", ok: true, detail, hint });
  expect(hint).toStartWith("See to the system that this action calls");
  expect(engineFindings({ ready: true, parts: [part] }, [])[1]).toMatchObject({
    check: "consumer mail",
    level: "warn",
    detail,
    fix: hint,
  });
});

test("what keeps a group from its work comes before a warning", () => {
  expect(consumerHealth({ ...status, problem: "all lanes busy", warning: "no room" })).toMatchObject({
    ok: false,
    detail: "running, 2000 messages in hand: all lanes busy",
  });
  expect(consumerHealth({ ...status, state: "rebuilding", warning: "no room" }).ok).toBe(false);
});
