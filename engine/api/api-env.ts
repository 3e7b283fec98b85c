import type { Context, Hono } from "hono";

import type { Log } from "../sdk.ts";
import type { Sql } from "../timeline/database.ts";
import type { Engine } from "./port.ts";
import type { Principal } from "./principal.ts";

/** What comes with a request: the server, when there is one, whose idle limit a waiting call lifts. */
export interface ApiEnv {
  Bindings: {
    server?: {
      timeout(request: Request, seconds: number): void;
      requestIP(request: Request): { readonly address: string } | null;
    };
  };
  /** Who calls, and where to look up what a saga or message belongs to; of paths below `/v1` only. */
  Variables: { principal: Principal; sql: Sql };
}

export type Api = Hono<ApiEnv>;
export type ApiContext = Context<ApiEnv>;

/** What every group of routes needs. */
export interface ApiParts {
  readonly engine: Engine;
  readonly sql: Sql;
  readonly log: Log;
}
