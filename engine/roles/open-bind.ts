import { type Config, isLoopback } from "../config.ts";
import { EngineError } from "../core/error.ts";
import type { Sql } from "../timeline/database.ts";
import { hasKeys } from "../timeline/read-keys.ts";

/** The API would listen where others reach it, and ask nobody who calls. */
class OpenBindError extends EngineError {
  readonly code = "api.open-bind";
  readonly hint =
    "Make the first key (`bun run ekiden keys create NAME --role admin --database --reason …`), or set EKIDEN_JWT_*, " +
    "or keep HOST=127.0.0.1 behind a proxy that authenticates. `bun run engine --insecure` does without all of that.";

  constructor(host: string) {
    super(`HOST ${host} is not a loopback address, and there is no key of the API yet`);
  }
}

/** @throws OpenBindError for an address that others reach, unless callers must say who they are or `--insecure` stands there */
export async function refuseOpenBind(config: Config, sql: Sql): Promise<void> {
  if (!config.roles.api || isLoopback(config.host) || config.insecure || config.tokens !== undefined) return;
  if (!(await hasKeys(sql))) throw new OpenBindError(config.host);
}
