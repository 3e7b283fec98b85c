import type { Config } from "../config.ts";
import { startEmbeddedPostgres } from "../stack/embedded-postgres.ts";
import { lockHome } from "../stack/home-lock.ts";

/**
 * Works on the database of DATABASE_URL, or on the embedded PostgreSQL, which is started for it. `program`: the command, as
 * `ekiden migrate`.
 */
export async function withDatabase<T>(config: Config, program: string, act: (url: string) => Promise<T>): Promise<T> {
  if (config.databaseUrl !== undefined) return act(config.databaseUrl);
  const lock = await lockHome(config.home, program);
  try {
    const postgres = await startEmbeddedPostgres({ home: config.home });
    try {
      return await act(postgres.url);
    } finally {
      await postgres.stop();
    }
  } finally {
    await lock.release();
  }
}
