import type { Bound } from "../core/bound.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";

/** What load balancers and supervisors ask. */
export function addHealthRoutes(app: Api, { engine }: ApiParts, bounds: () => readonly Bound[]): void {
  app.get("/health/live", LIVE, (c) => c.json({ status: "live" }));

  app.get("/health/ready", READY, async (c) => {
    const { ready, parts } = await engine.health();
    const load = bounds().map(({ name, labels = {}, limit, now, hits }) => ({
      name,
      labels,
      now: now(),
      limit,
      hits: hits(),
    }));
    return c.json({ ready, parts, load }, ready ? 200 : 503);
  });
}

const LIVE = describe({
  tag: "health",
  operationId: "getLiveness",
  summary: "Whether the process answers",
  answers: { 200: { description: "It does", schema: "Live" } },
});

const READY = describe({
  tag: "health",
  operationId: "getReadiness",
  summary: "Whether the engine does its work",
  answers: {
    200: { description: "Ready", schema: "HealthReport" },
    503: { description: "Not ready; `parts` say why", schema: "HealthReport" },
  },
});
