import type { MiddlewareHandler } from "hono";

import { Refusal } from "../core/refusal.ts";
import type { Bound } from "../core/bound.ts";
import { BODY_MAX_BYTES } from "./json-body.ts";

/** Requests in progress at once, those that wait for the end of a saga included. */
export const REQUESTS_MAX = 5_000;
/** Bytes of request bodies in progress at once. */
export const BODIES_MAX_BYTES = 64 * 1024 * 1024;

/** Lets requests in while there is room for them, so that a flood costs its senders patience and not this process its memory. */
export class Admission {
  #requests = 0;
  #bytes = 0;
  #refusedRequests = 0;
  #refusedBytes = 0;

  /** To be put in front of every route that does work. @throws Refusal `engine.busy` */
  readonly guard: MiddlewareHandler = async (c, next) => {
    const bytes = bodyBytes(c.req.method, c.req.header("content-length"));
    this.#admit(bytes);
    this.#requests += 1;
    this.#bytes += bytes;
    try {
      await next();
    } finally {
      this.#requests -= 1;
      this.#bytes -= bytes;
    }
  };

  readonly bounds: readonly Bound[] = [
    {
      name: "ekiden_api_requests",
      help: "Requests in progress.",
      limit: REQUESTS_MAX,
      now: () => this.#requests,
      hits: () => this.#refusedRequests,
    },
    {
      name: "ekiden_api_body_bytes",
      help: "Bytes of request bodies in progress.",
      limit: BODIES_MAX_BYTES,
      now: () => this.#bytes,
      hits: () => this.#refusedBytes,
    },
  ];

  #admit(bytes: number): void {
    if (this.#requests >= REQUESTS_MAX) {
      this.#refusedRequests += 1;
      throw busy(`${this.#requests} requests are in progress already`);
    }
    if (this.#bytes + bytes > BODIES_MAX_BYTES) {
      this.#refusedBytes += 1;
      throw busy(`bodies of ${this.#bytes} bytes are in progress already`);
    }
  }
}

/** A body of no declared length may become as large as any. */
function bodyBytes(method: string, declared: string | undefined): number {
  if (method === "GET" || method === "HEAD") return 0;
  const length = Number(declared ?? BODY_MAX_BYTES);
  return Number.isFinite(length) ? Math.min(BODY_MAX_BYTES, Math.max(0, length)) : BODY_MAX_BYTES;
}

function busy(message: string): Refusal {
  return new Refusal("engine.busy", message, "Send it again after Retry-After; nothing was changed.");
}
