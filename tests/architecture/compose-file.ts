import * as v from "valibot";
import { parse } from "yaml";

const HealthCheck = v.looseObject({ test: v.array(v.string()) });

const Service = v.strictObject({
  image: v.optional(v.string()),
  build: v.optional(v.strictObject({ context: v.string(), dockerfile: v.string() })),
  network_mode: v.optional(v.string()),
  init: v.optional(v.boolean()),
  restart: v.optional(v.string()),
  stop_grace_period: v.optional(v.string()),
  ports: v.optional(v.array(v.string())),
  depends_on: v.optional(v.record(v.string(), v.object({ condition: v.string() }))),
  // Text only: a number or a truth value of YAML would reach the program in YAML's spelling.
  environment: v.optional(v.record(v.string(), v.string())),
  command: v.optional(v.array(v.string())),
  configs: v.optional(v.array(v.strictObject({ source: v.string(), target: v.string() }))),
  volumes: v.optional(v.array(v.string())),
  healthcheck: v.optional(HealthCheck),
});

const Compose = v.strictObject({
  name: v.string(),
  services: v.strictObject({ postgres: Service, kafka: Service, connect: Service, engine: Service }),
  configs: v.record(v.string(), v.strictObject({ content: v.string() })),
  volumes: v.record(v.string(), v.null()),
});

/** A service of compose.yaml. */
export type Service = v.InferOutput<typeof Service>;

/** What compose.yaml says. */
export type Compose = v.InferOutput<typeof Compose>;

/** Parses compose.yaml. What this project has no use for is refused, so that it cannot stand there unseen. */
export function parseCompose(source: string): { readonly compose?: Compose; readonly faults: readonly string[] } {
  const parsed = v.safeParse(Compose, parse(source));
  if (parsed.success) return { compose: parsed.output, faults: [] };
  return { faults: parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`) };
}
