import { Hono } from "hono";

import { EngineError } from "../core/error.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { Admission } from "./admission.ts";
import type { Api, ApiContext, ApiEnv } from "./api-env.ts";
import { addDefinitionRoutes } from "./definition-routes.ts";
import { addDocsRoutes } from "./docs-routes.ts";
import { addGroupRoutes } from "./group-routes.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { addMessageRoutes } from "./message-routes.ts";
import { isLoopback, originGuard } from "./origin-guard.ts";
import type { Engine } from "./port.ts";
import { internalProblem, problemOf } from "./problem.ts";
import { addPipelineRoutes } from "./pipeline-routes.ts";
import { addRecoveryRoutes } from "./recovery-routes.ts";
import { addSagaRoutes } from "./saga-routes.ts";
import { addSagaVerbRoutes } from "./saga-verb-routes.ts";
import { addTimelineRoutes } from "./timeline-routes.ts";
import { allowedMethods, unknownPath } from "./unknown-path.ts";

/** What the API is made of. `host`: the address it will listen on, 127.0.0.1 by default. */
export interface ApiOptions {
  readonly engine: Engine;
  readonly sql: Sql;
  readonly log: Log;
  readonly host?: string;
}

/** The HTTP API: all of `/v1`, `/health`, `/openapi.json` and `/docs`. Other paths are left to whoever adds them. */
export function createApi({ engine, sql, log, host = "127.0.0.1" }: ApiOptions): Api {
  const app = new Hono<ApiEnv>();
  const parts = { engine, sql, log };
  app.onError((error, c) => answerError(error, c, log));
  app.notFound((c) => answerUnknown(app, c));
  app.use(async (c, next) => {
    await next();
    c.header("X-Content-Type-Options", "nosniff");
    if (!c.res.headers.has("cache-control")) c.header("Cache-Control", "no-store");
  });
  app.use(originGuard(isLoopback(host)));
  const admission = new Admission();
  app.use("/v1/*", admission.guard);
  const reader = addSagaRoutes(app, parts);
  addTimelineRoutes(app, parts);
  addSagaVerbRoutes(app, parts);
  addDefinitionRoutes(app, parts);
  addMessageRoutes(app, parts);
  addGroupRoutes(app, parts);
  addPipelineRoutes(app, parts);
  addRecoveryRoutes(app, parts);
  addHealthRoutes(app, parts, () => [...admission.bounds, ...reader.bounds, ...engine.bounds()]);
  addDocsRoutes(app);
  return app;
}

function answerError(error: Error, c: ApiContext, log: Log): Response {
  const problem = problemOf(error);
  if (problem !== undefined) return problem;
  // The caller has gone: nobody reads the answer, and nothing is wrong.
  if (c.req.raw.signal.aborted) return new Response(null, { status: 408 });
  const errorId = newId();
  log.error("a request failed", { errorId, method: c.req.method, path: c.req.path, error });
  return internalProblem(errorId);
}

function answerUnknown(app: Api, c: ApiContext): Response {
  const response = problemOf(unknownPath(app, c.req.method, c.req.path)) as Response;
  if (response.status === 405) response.headers.set("allow", allowedMethods(app, c.req.path).join(", "));
  return response;
}

/** The address is in use. */
export class PortTakenError extends EngineError {
  readonly code = "api.port-taken";
  readonly hint: string;

  constructor(host: string, port: number, cause: unknown) {
    super(`${host}:${port} is taken by another program`, { cause });
    this.hint = `Stop that program, or choose another port, for example PORT=${port + 1}.`;
  }
}

export interface ServeOptions {
  readonly app: Api;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** A listening server. */
export interface RunningApi {
  readonly url: string;
  readonly port: number;
  /** Takes no new request and lets those in progress end, at most `graceMs` (5,000) long; then cuts them off. */
  stop(graceMs?: number): Promise<void>;
}

/** Bodies up to here are read as far as it takes to refuse them with a problem; above, the server itself answers 413. */
const REFUSABLE_BODY_BYTES = 8 * 1024 * 1024;

/** Listens. @throws PortTakenError */
export function serveApi({ app, host, port }: ServeOptions): RunningApi {
  const server = listen(app, host, port);
  return { url: server.url.origin, port: server.port ?? port, stop: (graceMs = 5_000) => stop(server, graceMs) };
}

async function stop(server: Bun.Server<undefined>, graceMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), graceMs);
  await server.stop().finally(() => clearTimeout(cut));
}

function listen(app: Api, hostname: string, port: number): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname,
      port,
      idleTimeout: 30,
      // Its error pages show sources.
      development: false,
      // Without development Bun shares a port that is taken, and two engines would answer in turns.
      reusePort: false,
      maxRequestBodySize: REFUSABLE_BODY_BYTES,
      fetch: (request, server) => app.fetch(request, { server }),
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
      throw new PortTakenError(hostname, port, error);
    throw error;
  }
}
