import { expect, test } from "bun:test";
import type { JsonObject } from "../../engine/core/json.ts";
import { retryDelayMs } from "../../engine/core/retry.ts";
import { mayTryAgain, type NotifyPolicy, notifyPolicy } from "../../engine/participant/notify-policy.ts";

const policyOf = (retry: JsonObject) => notifyPolicy({ notify: true, retry }) as NotifyPolicy;
const rejection = (code: string) => ({ outcome: "rejected", code, message: "" }) as const;
const failure = (code: string, retryable = true) => ({ outcome: "failed", code, message: "", retryable }) as const;

test("a refused notification is tried again only for a code that `also` names, and only while attempts are left", () => {
  const policy = policyOf({ attempts: 3, also: ["busy", "odd"], never: ["odd"] });
  expect([1, 2, 3].map((used) => mayTryAgain(rejection("busy"), policy, used))).toEqual([true, true, false]);
  expect(mayTryAgain(rejection("closed"), policy, 1)).toBe(false);
  expect(mayTryAgain(rejection("odd"), policy, 1)).toBe(false);
  expect(mayTryAgain(failure("exception"), policy, 1)).toBe(true);
  expect(mayTryAgain(failure("odd"), policy, 1)).toBe(false);
  expect(mayTryAgain(failure("fatal", false), policy, 1)).toBe(false);
});

test("notifications that failed together do not come back together", () => {
  const policy = policyOf({ attempts: "forever", backoffMs: 1_000, factor: 2, maxMs: 60_000, jitter: 0.5 });
  const pauses = Array.from({ length: 200 }, (_, index) => retryDelayMs(policy, 3, `message ${index}`));
  expect(Math.min(...pauses)).toBeGreaterThan(2_000);
  expect(Math.min(...pauses)).toBeLessThan(2_200);
  expect(Math.max(...pauses)).toBeGreaterThan(3_800);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(4_000);
  expect(retryDelayMs(policy, 3, "message 1")).toBe(pauses[1] as number);
});

test("a notification that was sent before these were part of its message has neither", () => {
  const policy = policyOf({ attempts: 3, backoffMs: 1_000, factor: 2, maxMs: 60_000, never: [] });
  expect(retryDelayMs(policy, 3, "message")).toBe(4_000);
  expect(mayTryAgain(rejection("busy"), policy, 1)).toBe(false);
});
