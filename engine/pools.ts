import type { Closing } from "./closing.ts";
import type { Bound } from "./core/bound.ts";
import { connect, type PoolOptions, poolBound, type Sql } from "./timeline/database.ts";
import { newId } from "./timeline/ids.ts";

/** Opens the connection pools of one engine process, each closed at its end. */
export class Pools {
  /** Sign of this engine process: the last word of its connections' names. */
  readonly process = newId().slice(-6);
  readonly #closing: Closing;
  readonly #statementTimeoutMs: number;
  readonly #bounds: Bound[] = [];

  constructor(closing: Closing, statementTimeoutMs: number) {
    this.#closing = closing;
    this.#statementTimeoutMs = statementTimeoutMs;
  }

  get bounds(): readonly Bound[] {
    return this.#bounds;
  }

  open(url: string, name: string, max: number, more: Partial<PoolOptions> = {}): Sql {
    const sql = connect(url, {
      max,
      name,
      process: this.process,
      statementTimeoutMs: this.#statementTimeoutMs,
      ...more,
    });
    this.#bounds.push(poolBound(sql, name));
    this.#closing.add(() => sql.end({ timeout: 5 }));
    return sql;
  }
}
