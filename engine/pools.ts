import type { Closing } from "./closing.ts";
import { connect, type PoolOptions, type Sql } from "./timeline/database.ts";
import { newId } from "./timeline/ids.ts";

/** Opens the connection pools of one engine process, each closed at its end. */
export class Pools {
  /** Sign of this engine process: the last word of its connections' names. */
  readonly process = newId().slice(-6);
  readonly #closing: Closing;

  constructor(closing: Closing) {
    this.#closing = closing;
  }

  open(url: string, name: string, max: number, more: Partial<PoolOptions> = {}): Sql {
    const sql = connect(url, { max, name, process: this.process, ...more });
    this.#closing.add(() => sql.end({ timeout: 5 }));
    return sql;
  }
}
