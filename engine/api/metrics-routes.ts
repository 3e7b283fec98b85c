import type { Bound } from "../core/bound.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import { boundMetrics, pipelineMetrics, prometheusText } from "./pipeline-metrics.ts";

/** What Prometheus asks. */
export function addMetricsRoutes(app: Api, { engine }: ApiParts, bounds: () => readonly Bound[]): void {
  app.get("/metrics", METRICS, async (c) => {
    const [counters, pipeline] = await Promise.all([engine.counters(), engine.pipeline()]);
    const text = prometheusText([...counters, ...pipelineMetrics(pipeline), ...boundMetrics(bounds())]);
    return c.text(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

const METRICS = describe({
  tag: "health",
  operationId: "getMetrics",
  summary: "Read the engine's numbers, for Prometheus",
  description:
    "Sagas, steps and messages are counted over all processes, from the process's start on; what begins with the name of a bound is this process's own.",
  access: { role: "viewer", over: "all" },
  answers: { 200: { description: "The text format of Prometheus", text: "text/plain" } },
});
