import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { everyCutPoint } from "../support/cut-points.ts";
import { type ProxiedEngine, proxiedEngine } from "../support/proxied-engine.ts";

let lab: ProxiedEngine;

beforeAll(async () => {
  lab = await proxiedEngine();
}, 60_000);
afterEach(() => lab.proxy.decide(() => "pass"));
afterAll(async () => lab?.close(), 60_000);

test("each message of a step's transaction may be the connection's last: the step is done once", async () => {
  const application = "ekiden lab batches";
  const points = await everyCutPoint(lab, { application, fate: "cut", definition: "one_step", effects: ["one"] });

  // Begin, claim, the handler's insert, answer, commit, each with its answer.
  expect(points).toBeGreaterThan(20);
}, 60_000);
