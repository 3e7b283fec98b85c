import type { MiddlewareHandler } from "hono";

import { isFor, reaches, type Role } from "../core/grant.ts";
import type { Sql } from "../timeline/database.ts";
import { definitionOfMessage, definitionOfSaga } from "../timeline/read-belonging.ts";
import type { ApiContext, ApiEnv } from "./api-env.ts";
import { type Authentication, refused } from "./authentication.ts";
import { LOCAL, type Principal, principalOf } from "./principal.ts";
import type { RateLimit } from "./rate-limit.ts";
import { RequestError } from "./request-error.ts";
import { definitionNameOf, messageIdOf, sagaIdOf } from "./unknown.ts";

/** For so long what was found out about a caller holds. */
const LONG_MS = 1_000;

/** What a call needs. */
export interface Access {
  readonly role: Role;
  /**
   * What it is about: the saga, message or definition in its path, whose definition the caller's key must be for;
   * `listed`: the handler leaves out what the key is not for; `all`: what belongs to no single definition, for keys that
   * are for all; `anything`: nothing of the kind.
   */
  readonly over: "saga" | "message" | "definition" | "listed" | "all" | "anything";
  /** It shows payloads as they are, and nothing of it can be masked. */
  readonly payloads?: true;
}

/** Says for each call who makes it. Without an authentication everybody is `local`. */
export function identify(
  authentication: Authentication | undefined,
  rate: RateLimit,
  sql: Sql,
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const principal =
      (await authentication?.principal(c.req.header("authorization")).catch((error: unknown) => {
        // Who is let in has a name to be counted by; who is not, an address. Nobody else's calls from there are held up by it.
        if (error instanceof RequestError) rate.admit(`nobody at ${addressOf(c)}`);
        throw error;
      })) ?? LOCAL;
    // Who need not say who calls cannot be counted either.
    if (principal !== LOCAL) rate.admit(principal.actor);
    c.set("principal", principal);
    c.set("sql", sql);
    const startedAt = performance.now();
    await next();
    // A read that waited for long has outlived what was asked at its beginning. What has an effect is done, and said.
    if (c.req.method === "GET" && performance.now() - startedAt > LONG_MS && !(await principal.holds())) {
      throw refused(
        `${principal.actor} was revoked, or has expired, while this call waited`,
        "Ask an admin for another key.",
      );
    }
  };
}

function addressOf(c: ApiContext): string {
  // Without a server, as in tests, there is no environment either.
  const { server } = (c.env ?? {}) as ApiEnv["Bindings"];
  return server?.requestIP(c.req.raw)?.address ?? "an unknown address";
}

/** @throws RequestError `auth.forbidden` */
export async function authorize(c: ApiContext, { role, over, payloads }: Access): Promise<void> {
  const principal = principalOf(c);
  if (!reaches(principal.role, role)) {
    throw forbidden(principal, `is a ${principal.role}'s, and this takes ${article(role)}`);
  }
  if (payloads === true && !principal.payloads) throw forbidden(principal, "may not read payloads");
  if (principal.definitions === null || over === "listed" || over === "anything") return;
  if (over === "all" || !(await isForPlace(c, principal, over))) {
    throw forbidden(principal, `is for ${principal.definitions.join(", ") || "no definition"} only`);
  }
}

/** What does not exist is let through: the handler says so better. */
async function isForPlace(c: ApiContext, principal: Principal, over: "saga" | "message" | "definition") {
  if (over === "definition") {
    return isFor(principal, definitionNameOf(c.req.param("definition") ?? c.req.param("id") ?? ""));
  }
  const sql = c.get("sql");
  const found =
    over === "saga"
      ? await definitionOfSaga(sql, sagaIdOf(c.req.param("id") ?? ""))
      : await definitionOfMessage(sql, messageIdOf(c.req.param("messageId") ?? ""));
  return found === undefined || isFor(principal, found);
}

function forbidden({ actor }: Principal, why: string): RequestError {
  const hint = "An admin makes keys with other rights: `ekiden keys create --help`. Nothing was read or changed.";
  return new RequestError("auth.forbidden", `${actor} ${why}`, hint);
}

function article(role: Role): string {
  return role === "operator" || role === "admin" ? `an ${role}` : `a ${role}`;
}
