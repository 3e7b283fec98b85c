import { expect, test } from "bun:test";
import { ownEvents } from "../../engine/dispatcher/own-events.ts";
import type { Delivery } from "../../engine/transport/port.ts";

const delivery = (id: string, type: string, own: boolean): Delivery => ({
  topic: "timeline",
  partition: 0,
  offset: 0,
  recordedAt: new Date(0),
  receivedAt: new Date(0),
  key: "saga",
  headers: { id, correlation_id: "saga", type, headers: null },
  value: "{}",
  ...(own ? { own } : {}),
});

test("own events are those that only their delivery applies, and that stand in the batch once", () => {
  const batch = [
    delivery("answer", "step.succeeded", true),
    delivery("start", "saga.started", true),
    delivery("signal", "signal.received", true),
    delivery("read", "step.succeeded", false),
    delivery("sent again", "step.succeeded", false),
    delivery("sent again", "step.succeeded", true),
  ];

  expect([...ownEvents(batch)].map(([id, { done }]) => [id, done])).toEqual([
    ["answer", false],
    ["start", true],
  ]);
});
