import { createHash, timingSafeEqual } from "node:crypto";

import type { Sql } from "../timeline/database.ts";
import { type KeySecretRow, readKeySecrets } from "../timeline/read-keys.ts";

/** For so long at most a key that another process has revoked is still taken, milliseconds. */
const KEYS_KEPT_MS = 1_000;
/** The same where a key is in none of the rows that were read last. */
const UNKNOWN_KEPT_MS = 50;

/** For so long the database may take to answer; then whoever asks is told that it is away. */
const PATIENCE_MS = 2_500;

const KEY = /^ekiden_([0-7][0-9A-HJKMNP-TV-Z]{25})_[A-Za-z0-9_-]{43}$/;
/** Compared with where no key has the id, so that both cases take the same time. */
const NO_HASH = Buffer.alloc(32);

/** The keys, read again at most once a second, whatever comes. */
export class KeyRing {
  readonly #sql: Sql;
  #kept: { readonly rows: ReadonlyMap<string, KeySecretRow>; readonly at: number } | undefined;
  #reading: Promise<ReadonlyMap<string, KeySecretRow>> | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Whether a key was ever made. @throws what the database answered, unless none was a moment ago */
  async isUsed(): Promise<boolean> {
    try {
      return (await this.#rows()).size > 0;
    } catch (error) {
      // Open it was: routes that need no database go on answering, and to all others the database is what is missing.
      if (this.#kept?.rows.size === 0) return false;
      throw error;
    }
  }

  /** The key that a caller shows, good or not any more; undefined: it is none. */
  async find(text: string): Promise<KeySecretRow | undefined> {
    const id = KEY.exec(text)?.[1];
    const row = id === undefined ? undefined : ((await this.#rows()).get(id) ?? (await this.#newest(id)));
    const shown = createHash("sha256").update(text).digest();
    return timingSafeEqual(shown, row?.sha256 ?? NO_HASH) ? row : undefined;
  }

  /** Whether a key is good at this moment. */
  async isGood(id: string): Promise<boolean> {
    const row = (await this.#rows()).get(id);
    return row !== undefined && isGood(row);
  }

  /** One that was made a moment ago is good at once; and however many wrong ones are tried, they are read only so often. */
  async #newest(id: string): Promise<KeySecretRow | undefined> {
    const age = performance.now() - (this.#kept?.at ?? 0);
    if (age < UNKNOWN_KEPT_MS) await Bun.sleep(UNKNOWN_KEPT_MS - age);
    return (await this.#rows(0)).get(id);
  }

  async #rows(maxAgeMs = KEYS_KEPT_MS): Promise<ReadonlyMap<string, KeySecretRow>> {
    const kept = this.#kept;
    if (kept !== undefined && performance.now() - kept.at < maxAgeMs) return kept.rows;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    const reading = this.#reading;
    const silent = Bun.sleep(PATIENCE_MS).then(() => {
      throw Object.assign(new Error("the keys cannot be read"), { code: "CONNECTION_SILENT" });
    });
    // Whichever is later fails unheard.
    for (const each of [reading, silent]) each.catch(() => {});
    return Promise.race([reading, silent]);
  }

  async #read(): Promise<ReadonlyMap<string, KeySecretRow>> {
    // What is revoked after the question was put must be seen by the next one.
    const at = performance.now();
    const rows = new Map((await readKeySecrets(this.#sql)).map((row) => [row.id, row]));
    this.#kept = { rows, at };
    return rows;
  }
}

/** Neither revoked nor expired. */
export function isGood({ revoked_at: revoked, expired }: KeySecretRow): boolean {
  return revoked === null && !expired;
}
