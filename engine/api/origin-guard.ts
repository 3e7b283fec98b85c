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
 * `hosts`: names under which it is called besides, for example behind a proxy; with them no others are served.
 */
export function originGuard(loopback: boolean, hosts: readonly string[] = []): MiddlewareHandler {
  const named = new Set(hosts.map((host) => host.toLowerCase()));
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    const isNamed = named.has(host.toLowerCase()) || named.has(host.toLowerCase().replace(/:\d{1,5}$/, ""));
    if ((loopback || named.size > 0) && !LOOPBACK_HOST.test(host) && !isNamed) {
      const hint = "Call it as localhost or 127.0.0.1, or name this host in EKIDEN_HOSTS.";
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
