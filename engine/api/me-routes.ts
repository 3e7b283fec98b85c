import type { Api } from "./api-env.ts";
import { describe } from "./describe.ts";
import { principalOf } from "./principal.ts";

/** Who the caller is, so that a program shows only what it may do. */
export function addMeRoutes(app: Api): void {
  app.get("/v1/me", GET, (c) => {
    const { actor, role, definitions, payloads } = principalOf(c);
    return c.json({ actor, role, definitions, payloads });
  });
}

const GET = describe({
  tag: "keys",
  operationId: "getMe",
  summary: "Read who calls, and what that caller may do",
  access: { role: "viewer", over: "anything" },
  answers: { 200: { description: "The caller", schema: "Me" } },
});
