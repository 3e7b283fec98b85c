import { Hono } from "hono";

import { EngineError } from "../core/error.ts";
import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import { newId } from "../timeline/ids.ts";
import { identify } from "./access.ts";
import { Admission } from "./admission.ts";
import type { Api, ApiContext, ApiEnv } from "./api-env.ts";
import { addAuditRoutes } from "./audit-routes.ts";
import { Authentication } from "./authentication.ts";
import { addConsoleRoutes, type Console, unknownPage } from "./console-routes.ts";
import { addDefinitionRoutes, addRetirementRoutes } from "./definition-routes.ts";
import { addDoctorRoutes } from "./doctor-routes.ts";
import { addDocsRoutes } from "./docs-routes.ts";
import { addDraftRoutes } from "./draft-routes.ts";
import { addGraphRoutes } from "./graph-routes.ts";
import { addGroupRoutes } from "./group-routes.ts";
import { addHealthRoutes } from "./health-routes.ts";
import { addKeyRoutes } from "./key-routes.ts";
import { addLanguageRoutes } from "./language-routes.ts";
import { addMeRoutes } from "./me-routes.ts";
import { addMessageRoutes } from "./message-routes.ts";
import { addMetricsRoutes } from "./metrics-routes.ts";
import { isLoopback, originGuard } from "./origin-guard.ts";
import type { Engine } from "./port.ts";
import { addOverviewRoutes } from "./overview-routes.ts";
import { addParkedRoutes } from "./parked-routes.ts";
import { addPartitionRoutes } from "./partition-routes.ts";
import { internalProblem, problemOf } from "./problem.ts";
import { addPipelineRoutes } from "./pipeline-routes.ts";
import { RateLimit } from "./rate-limit.ts";
import { addRecoveryRoutes } from "./recovery-routes.ts";
import { addRedriveRoutes } from "./redrive-routes.ts";
import { addRetryingRoutes } from "./retrying-routes.ts";
import { addSagaRoutes } from "./saga-routes.ts";
import { addSagaVerbRoutes } from "./saga-verb-routes.ts";
import { addStreamRoutes } from "./stream-routes.ts";
import type { StreamLimits } from "./stream/tail.ts";
import type { TokenSettings } from "./tokens.ts";
import { addTimelineRoutes } from "./timeline-routes.ts";
import { allowedMethods, unknownPath } from "./unknown-path.ts";

/** What the API is made of. `host`: the address it will listen on, 127.0.0.1 by default. */
export interface ApiOptions {
  readonly engine: Engine;
  readonly sql: Sql;
  readonly log: Log;
  readonly host?: string;
  /** Further names under which it is called, behind a proxy; see `originGuard`. */
  readonly hosts?: readonly string[];
  /** Who may call; absent: whoever reaches it, which only tests may want. */
  readonly access?: AccessSettings;
  /** Ends the event streams. */
  readonly draining?: AbortSignal;
  /** Other limits of the event streams, in tests. */
  readonly streams?: Partial<StreamLimits>;
  /** The console at `/`; absent: there is none. */
  readonly console?: Console;
}

/** How callers say who they are, and how many requests a second each may send. */
export interface AccessSettings {
  /** Absent: keys alone are taken. */
  readonly tokens?: TokenSettings | undefined;
  /** 0: no limit. */
  readonly ratePerSecond: number;
}

/** The HTTP API: all of `/v1`, `/health`, `/metrics`, `/openapi.json` and `/docs`. Other paths are left to whoever adds them. */
export function createApi(options: ApiOptions): Api {
  const { engine, sql, log, host = "127.0.0.1", hosts = [], access, draining, streams: limits } = options;
  const app = new Hono<ApiEnv>();
  const parts = { engine, sql, log };
  app.onError((error, c) => answerError(error, c, log));
  app.notFound((c) => answerUnknown(app, c, options.console));
  app.use(async (c, next) => {
    await next();
    c.header("X-Content-Type-Options", "nosniff");
    if (!c.res.headers.has("cache-control")) c.header("Cache-Control", "no-store");
  });
  app.use(originGuard(isLoopback(host), hosts));
  const authentication = access === undefined ? undefined : new Authentication(sql, access.tokens);
  const identified = identify(authentication, new RateLimit(access?.ratePerSecond ?? 0), sql);
  app.use("/v1/*", identified);
  app.use("/metrics", identified);
  const admission = new Admission();
  app.use("/v1/*", admission.guard);
  app.use("/v1/*", async (c, next) => {
    await next();
    // Whoever asked for something sees at once what came of it.
    if (c.req.method === "POST") streams.rouse();
  });
  const reader = addSagaRoutes(app, parts);
  addTimelineRoutes(app, parts);
  const streams = addStreamRoutes(app, parts, { draining, limits });
  addSagaVerbRoutes(app, parts);
  addDefinitionRoutes(app, parts);
  addRetirementRoutes(app, parts);
  addDraftRoutes(app, parts);
  addLanguageRoutes(app, parts);
  addGraphRoutes(app, parts);
  addOverviewRoutes(app, parts);
  addParkedRoutes(app, parts);
  addRetryingRoutes(app, parts);
  addMessageRoutes(app, parts);
  addRedriveRoutes(app, parts);
  addGroupRoutes(app, parts);
  addPipelineRoutes(app, parts);
  addDoctorRoutes(app, parts);
  addRecoveryRoutes(app, parts);
  addPartitionRoutes(app, parts);
  addAuditRoutes(app, parts);
  addKeyRoutes(app, parts);
  addMeRoutes(app);
  const bounds = () => [...admission.bounds, ...reader.bounds, ...streams.bounds, ...engine.bounds()];
  addMetricsRoutes(app, parts, bounds);
  addHealthRoutes(app, parts, {
    bounds,
    isKnown: async (authorization) => (await authentication?.isKnown(authorization)) ?? true,
  });
  addDocsRoutes(app);
  if (options.console !== undefined) addConsoleRoutes(app, options.console);
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

async function answerUnknown(app: Api, c: ApiContext, console: Console | undefined): Promise<Response> {
  const page = console === undefined ? undefined : await unknownPage(c, console);
  if (page !== undefined) return page;
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
  /** Connections on which nothing moves for so long are dropped; 30. */
  readonly idleSeconds?: number;
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
export function serveApi({ app, host, port, idleSeconds = 30 }: ServeOptions): RunningApi {
  const server = listen(app, host, port, idleSeconds);
  return { url: server.url.origin, port: server.port ?? port, stop: (graceMs = 5_000) => stop(server, graceMs) };
}

async function stop(server: Bun.Server<undefined>, graceMs: number): Promise<void> {
  const cut = setTimeout(() => void server.stop(true), graceMs);
  await server.stop().finally(() => clearTimeout(cut));
}

function listen(app: Api, hostname: string, port: number, idleTimeout: number): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname,
      port,
      idleTimeout,
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
