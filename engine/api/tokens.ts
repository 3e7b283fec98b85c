import { verifyWithJwks } from "hono/jwt";
import * as v from "valibot";

import { ROLES } from "../core/grant.ts";
import type { TOKEN_ALGORITHMS } from "../core/token-algorithms.ts";
import type { Principal } from "./principal.ts";
import { RequestError } from "./request-error.ts";

/** Whose tokens are taken. */
export interface TokenSettings {
  /** Where the issuer's public keys are, as a JSON Web Key Set. */
  readonly keysUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly (typeof TOKEN_ALGORITHMS)[number][];
}

const KeySet = v.object({ keys: v.array(v.looseObject({ kid: v.optional(v.string()), kty: v.string() })) });
type PublicKeys = NonNullable<Parameters<typeof verifyWithJwks>[1]["keys"]>;

const Claims = v.object({
  sub: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  // Without an end a token that leaks is good for ever.
  exp: v.number(),
  ekiden_role: v.picklist(ROLES),
  ekiden_definitions: v.union([v.literal("*"), v.array(v.string())]),
  ekiden_payloads: v.optional(v.boolean(), false),
});

const HINT = "Ask the issuer for a token with this engine's audience and the claims of docs/SECURITY.md.";
const FETCH_MS = 5_000;
/** The issuer's keys are asked for again after so long, and for an unknown one no sooner than the second, milliseconds. */
const KEPT_MS = 600_000;
const AGAIN_MS = 10_000;

/** JSON Web Tokens of one issuer, checked with its public keys. */
export class Tokens {
  readonly #settings: TokenSettings;
  #keys: { readonly keys: PublicKeys; readonly at: number } | undefined;
  #fetching: Promise<PublicKeys> | undefined;

  constructor(settings: TokenSettings) {
    this.#settings = settings;
  }

  /** @throws RequestError `auth.refused`, `auth.issuer-unavailable` */
  async principal(token: string): Promise<Principal> {
    const parsed = v.safeParse(Claims, await this.#verified(token));
    if (!parsed.success) {
      const claims = parsed.issues.map((issue) => v.getDotPath(issue)).join(", ");
      throw new RequestError("auth.refused", `the token lacks what Ekiden asks of it: ${claims}`, HINT);
    }
    const { sub, exp, ekiden_role: role, ekiden_definitions: definitions, ekiden_payloads: payloads } = parsed.output;
    return {
      actor: `jwt:${sub}`,
      role,
      definitions: definitions === "*" ? null : definitions,
      payloads,
      holds: () => Promise.resolve(Date.now() < exp * 1000),
    };
  }

  async #verified(token: string): Promise<unknown> {
    const keys = await this.#known(kidOf(token));
    const { issuer: iss, audience: aud, algorithms } = this.#settings;
    try {
      return await verifyWithJwks(token, {
        keys,
        allowedAlgorithms: [...algorithms],
        verification: { iss, aud, exp: true, nbf: true, iat: true },
      });
    } catch (error) {
      // The library puts the token into some of its messages; its names say as much.
      const what = error instanceof Error ? error.name : "unreadable";
      throw new RequestError("auth.refused", `the token is not accepted: ${what}`, HINT);
    }
  }

  /** The issuer's keys, with one that it has come to use since they were read. */
  async #known(kid: string | undefined): Promise<PublicKeys> {
    const kept = this.#keys;
    const age = kept === undefined ? Number.POSITIVE_INFINITY : performance.now() - kept.at;
    const has = kept?.keys.some((key) => key.kid === kid) === true;
    if (kept !== undefined && (has ? age < KEPT_MS : age < AGAIN_MS)) return kept.keys;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching.catch((error: unknown) => {
      // The issuer is away for a while: who has a token that can be checked is let in.
      if (has && kept !== undefined) return kept.keys;
      throw error;
    });
  }

  async #fetch(): Promise<PublicKeys> {
    const { keysUrl } = this.#settings;
    try {
      const response = await fetch(keysUrl, { signal: AbortSignal.timeout(FETCH_MS), redirect: "error" });
      if (!response.ok) throw new Error(`answers ${response.status}`);
      const parsed = v.safeParse(KeySet, await response.json());
      if (!parsed.success) throw new Error("the answer is no key set");
      const keys = parsed.output.keys as PublicKeys;
      this.#keys = { keys, at: performance.now() };
      return keys;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const hint = "Does EKIDEN_JWT_KEYS_URL name the issuer's key set, and can the engine reach it?";
      throw new RequestError("auth.issuer-unavailable", `the issuer's keys cannot be read: ${reason}`, hint);
    }
  }
}

function kidOf(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8"));
    return v.parse(v.object({ kid: v.string() }), header).kid;
  } catch {
    return undefined;
  }
}
