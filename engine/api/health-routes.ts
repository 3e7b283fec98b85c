import type { Bound } from "../core/bound.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";

/** What the answers hold besides the parts' health. */
export interface HealthOptions {
  readonly bounds: () => readonly Bound[];
  /** Whether this caller may be told more than yes or no. */
  readonly isKnown: (authorization: string | undefined) => Promise<boolean>;
}

/** What load balancers and supervisors ask. */
export function addHealthRoutes(app: Api, { engine }: ApiParts, { bounds, isKnown }: HealthOptions): void {
  app.get("/health/live", LIVE, (c) => c.json({ status: "live" }));

  app.get("/health/ready", READY, async (c) => {
    const [{ ready, parts }, known] = await Promise.all([engine.health(), isKnown(c.req.header("authorization"))]);
    // A probe has no key and needs none; what the parts say of hosts and sizes is not for everybody.
    if (!known) {
      return c.json({ ready, parts: [], load: [] }, ready ? 200 : 503);
    }
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
  access: "open",
  summary: "Whether the process answers",
  answers: { 200: { description: "It does", schema: "Live" } },
});

const READY = describe({
  tag: "health",
  operationId: "getReadiness",
  access: "open",
  summary: "Whether the engine does its work",
  answers: {
    200: {
      description: "Ready; without a key, where one is asked for, `parts` and `load` are empty",
      schema: "HealthReport",
    },
    503: { description: "Not ready; `parts` say why", schema: "HealthReport" },
  },
});
