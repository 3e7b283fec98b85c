import { type Grant, isFor } from "../core/grant.ts";
import type { ApiContext } from "./api-env.ts";

/** Who calls, and what it may do. */
export interface Principal extends Grant {
  /** What the audit calls it. */
  readonly actor: string;
  /** Whether it still may; asked by answers that take long. */
  holds(): Promise<boolean>;
}

/** Whoever reaches an engine that asks for no key. */
export const LOCAL: Principal = {
  actor: "local",
  role: "admin",
  definitions: null,
  payloads: true,
  holds: () => Promise.resolve(true),
};

/** Who makes this call. */
export function principalOf(c: ApiContext): Principal {
  return c.get("principal") ?? LOCAL;
}

/** The one definition of a list that a caller asks for, or all that its key is for; undefined: no bound. */
export function definitionsFor({ definitions }: Grant, asked: string | undefined): readonly string[] | undefined {
  if (asked === undefined) return definitions ?? undefined;
  return isFor({ definitions }, asked) ? [asked] : [];
}
