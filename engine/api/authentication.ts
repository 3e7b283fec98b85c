import type { Sql } from "../timeline/database.ts";
import { isGood, KeyRing } from "./key-ring.ts";
import { LOCAL, type Principal } from "./principal.ts";
import { RequestError } from "./request-error.ts";
import { type TokenSettings, Tokens } from "./tokens.ts";

const BEARER = /^Bearer +([\x21-\x7e]{1,8192})$/i;
/** Header, claims and signature of a JSON Web Token. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const REQUIRED_HINT = "Send `Authorization: Bearer <key>`; the command line takes it from EKIDEN_API_KEY.";

/**
 * Says who calls. Callers must show a key or a token as soon as one key was ever made, or tokens are configured; until
 * then whoever reaches the engine may do everything, which is why it then listens to its own machine only.
 */
export class Authentication {
  readonly #keys: KeyRing;
  readonly #tokens: Tokens | undefined;

  constructor(sql: Sql, tokens: TokenSettings | undefined) {
    this.#keys = new KeyRing(sql);
    this.#tokens = tokens === undefined ? undefined : new Tokens(tokens);
  }

  /** @throws RequestError `auth.required`, `auth.refused` */
  async principal(authorization: string | undefined): Promise<Principal> {
    if (this.#tokens === undefined && !(await this.#keys.isUsed())) return LOCAL;
    if (authorization === undefined) {
      throw new RequestError("auth.required", "this call names nobody", REQUIRED_HINT);
    }
    const [, shown] = BEARER.exec(authorization) ?? [];
    if (shown === undefined) throw refused("the Authorization header is no `Bearer <key>`", REQUIRED_HINT);
    if (this.#tokens !== undefined && TOKEN.test(shown)) return this.#tokens.principal(shown);
    return this.#ofKey(shown);
  }

  /** Whether a caller of an open route is somebody. While the database is away nobody can be told from anybody. */
  async isKnown(authorization: string | undefined): Promise<boolean> {
    try {
      await this.principal(authorization);
      return true;
    } catch {
      return false;
    }
  }

  async #ofKey(shown: string): Promise<Principal> {
    const row = await this.#keys.find(shown);
    if (row === undefined)
      throw refused("the key is none of this engine's", "Was it copied whole, and for this engine?");
    if (!isGood(row)) {
      const what = row.revoked_at === null ? "has expired" : "was revoked";
      throw refused(`the key "${row.name}" ${what}`, "Ask an admin for another: `ekiden keys create`.");
    }
    const { id, name, role, definitions, payloads } = row;
    return { actor: `key:${name}`, role, definitions, payloads, holds: () => this.#keys.isGood(id) };
  }
}

/** The caller shows something, and it is no good. */
export function refused(message: string, hint: string): RequestError {
  return new RequestError("auth.refused", message, hint);
}
