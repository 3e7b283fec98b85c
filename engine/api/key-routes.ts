import { listKeys } from "../timeline/read-keys.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody } from "./json-body.ts";
import { KeyRequest } from "./key-schema.ts";
import { viewKey } from "./key-view.ts";
import { principalOf } from "./principal.ts";
import { RequestError } from "./request-error.ts";
import { keyNameOf } from "./unknown.ts";
import { Reasoned } from "./verb-schema.ts";

/** Keys of the API. */
export function addKeyRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/keys", LIST, async (c) => c.json({ items: (await listKeys(sql)).map(viewKey), nextCursor: null }));

  app.post("/v1/keys", CREATE, async (c) => {
    const caller = callerOf(c);
    const { reason, expiresAt, ...order } = await readBody(c.req.raw, KeyRequest);
    if (order.payloads && !principalOf(c).payloads) {
      const hint = "Make it with a key that may read them, or without `payloads`.";
      throw new RequestError("auth.forbidden", `${caller.actor} may not read payloads, nor let others read them`, hint);
    }
    const until = expiresAt === null ? null : new Date(expiresAt);
    const { row, key } = await engine.createKey({ ...order, expiresAt: until }, reason, caller);
    return c.json({ ...viewKey(row), key }, 201);
  });

  app.post("/v1/keys/:name/revoke", REVOKE, async (c) => {
    const name = keyNameOf(c.req.param("name"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return c.json(viewKey(await engine.revokeKey(name, reason, caller)));
  });
}

const LIST = describe({
  tag: "keys",
  operationId: "listKeys",
  summary: "List keys",
  access: { role: "admin", over: "all" },
  answers: { 200: { description: "All keys that were ever made", schema: "KeyList" } },
});

const CREATE = describe({
  tag: "keys",
  operationId: "createKey",
  summary: "Make a key",
  description:
    "The key is shown in this answer only; its SHA-256 is kept. From the first key on, which must be an admin's, every call must show one.",
  access: { role: "admin", over: "all" },
  body: {
    schema: "KeyRequest",
    description: "Whose, and what for",
    required: true,
    example: { name: "ann", role: "admin", expiresAt: "2027-01-31T12:00:00Z", reason: "first of all" },
  },
  answers: { 201: { description: "Made", schema: "CreatedKey" } },
  problems: ["key.name-taken", "key.first-admin", "saga.idempotency-mismatch", "request.header-invalid"],
});

const REVOKE = describe({
  tag: "keys",
  operationId: "revokeKey",
  summary: "Revoke a key",
  description: "Within a second no process takes it any more, and event streams that it opened end.",
  access: { role: "admin", over: "all" },
  path: ["keyName"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: { 200: { description: "It is revoked", schema: "ApiKey" } },
  problems: ["key.unknown", "saga.idempotency-mismatch", "request.header-invalid"],
});
