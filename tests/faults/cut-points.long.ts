import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { everyCutPoint } from "../support/cut-points.ts";
import { type ProxiedEngine, proxiedEngine } from "../support/proxied-engine.ts";

let lab: ProxiedEngine;

beforeAll(async () => {
  lab = await proxiedEngine();
}, 60_000);
afterEach(() => lab.proxy.decide(() => "pass"));
afterAll(async () => lab?.close(), 60_000);

const ONE = { definition: "one_step", effects: ["one"] };
/** An external step has a transaction before its call and one behind it. */
const OUTSIDE = { definition: "outside", effects: ["two"] };
const CASES = [
  { application: "ekiden lab batches", fate: "reset", ...ONE },
  { application: "ekiden transitions", fate: "cut", ...ONE },
  { application: "ekiden transitions", fate: "reset", ...ONE },
  { application: "ekiden lab", fate: "cut", ...OUTSIDE },
  { application: "ekiden lab", fate: "reset", ...OUTSIDE },
] as const;

for (const points of CASES) {
  const { application, fate, definition } = points;
  test(`each message may be the last on a connection of "${application}" (${fate}): ${definition} completes, each effect once`, async () => {
    expect(await everyCutPoint(lab, points)).toBeGreaterThan(20);
  }, 150_000);
}
