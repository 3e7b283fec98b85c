import { expect, test } from "bun:test";
import { OwnRequests } from "../../engine/transport/kafka/own-requests.ts";
import type { CommittedRequest, Delivery } from "../../engine/transport/port.ts";

function written(id: string, value = "{}"): CommittedRequest {
  const headers = { id, type: "step.succeeded" };
  return { messageId: id, topic: "timeline", key: "saga", value, requestedAt: new Date(0), xid: "1", headers };
}

function arrived(id: string, more: Partial<Delivery> = {}): Delivery {
  const at = { partition: 0, offset: 0, recordedAt: new Date(0), receivedAt: new Date(0) };
  return { topic: "timeline", key: "saga", value: "{}", headers: { id, type: "step.succeeded" }, ...at, ...more };
}

test("a message that comes as it was written is own, once", () => {
  const own = new OwnRequests();
  own.add([written("a")]);
  expect(own.claim(arrived("a")).own).toBe(true);
  expect(own.claim(arrived("a")).own).toBeUndefined();
  expect(own.claim(arrived("b")).own).toBeUndefined();
});

test.each([
  ["body", { value: '{"output":1}' }],
  ["key", { key: "another saga" }],
  ["topic", { topic: "contract.conclude" }],
] as const)("one whose %s is not what was written is a copy by somebody else", (_what, more) => {
  const own = new OwnRequests();
  own.add([written("a")]);
  expect(own.claim(arrived("a", more)).own).toBeUndefined();
});

test("headers are those that were written, whatever came with the message", () => {
  const own = new OwnRequests();
  own.add([written("a")]);
  const forged = arrived("a", { headers: { id: "a", type: "saga.started", attempt: "7" } });
  expect(own.claim(forged).headers).toEqual({ id: "a", type: "step.succeeded" });
});

test("what comes late is looked up, and what never comes is not kept", () => {
  let now = 0;
  const own = new OwnRequests(() => now);
  own.add([written("a"), written("b")]);
  now = 10_000;
  expect(own.claim(arrived("a")).own).toBe(true);
  now = 10_001;
  expect(own.claim(arrived("b")).own).toBeUndefined();
  own.add([written("c")]);
  now = 30_000;
  own.add([written("d")]);
  expect(own.bounds.map((bound) => bound.now())).toEqual([1, 2]);
  expect(own.bounds.map((bound) => bound.hits())).toEqual([0, 0]);
});

test("rows and bytes are bounded, the oldest go", () => {
  const own = new OwnRequests();
  const [rows, bytes] = own.bounds;
  const limit = rows?.limit ?? 0;
  own.add(Array.from({ length: limit + 5 }, (_, n) => written(`${n}`)));
  expect([rows?.now(), rows?.hits()]).toEqual([limit, 5]);
  expect(own.claim(arrived("4")).own).toBeUndefined();
  expect(own.claim(arrived("5")).own).toBe(true);

  const large = "x".repeat((bytes?.limit ?? 0) / 2 - 1_000);
  own.add([written("one", large), written("two", large), written("three", large)]);
  expect(bytes?.now()).toBeLessThanOrEqual(bytes?.limit ?? 0);
  expect(own.claim(arrived("one", { value: large })).own).toBeUndefined();
  expect(own.claim(arrived("three", { value: large })).own).toBe(true);
});
