import type { ApiContext } from "./api-env.ts";
import type { Engine } from "./port.ts";

/**
 * Waits until the saga is final or parked, the time is over, or the caller has gone; none of them is an error. `isNew`: this
 * call has just started it.
 */
export async function waitUntilSettled(
  c: ApiContext,
  engine: Engine,
  sagaId: string,
  waitMs: number,
  isNew = false,
): Promise<void> {
  if (waitMs === 0) return;
  // The server drops connections that are idle for long; this one is meant to be. Without a server (a direct call of
  // the app) there is not even an environment.
  c.env?.server?.timeout(c.req.raw, 0);
  await engine.settled(sagaId, waitMs, c.req.raw.signal, isNew);
}
