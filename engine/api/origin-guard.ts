import type { MiddlewareHandler } from "hono";

import { RequestError } from "./request-error.ts";

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return LOOPBACK_HOST.test(address) || address === "::1";
}

/**
 * Refuses requests that a web page of another origin makes a browser send: without authentication, being on this
 * machine is all that a caller has to show. `loopback`: a name that only resolves here (DNS rebinding) is refused too.
 */
export function originGuard(loopback: boolean): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (loopback && !LOOPBACK_HOST.test(host)) {
      const hint = "The engine listens on this machine only: call it as localhost or 127.0.0.1.";
      throw new RequestError("request.host-refused", `Host ${host} is not served`, hint);
    }
    const origin = c.req.header("origin");
    if (origin !== undefined && !isSameHost(origin, host)) {
      const hint = "Pages of other origins may not call the API. Call it from a program, or from its own pages.";
      throw new RequestError("request.origin-refused", `Origin ${origin} is not this host`, hint);
    }
    await next();
  };
}

function isSameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
