import { join } from "node:path";

import { connect, type Sql } from "../../engine/timeline/database.ts";
import { migrate } from "../../engine/timeline/migrate.ts";
import { freshDatabase } from "../support/postgres.ts";

/** A migrated database and a pool on it. `end` closes both. */
export interface ApiDatabase {
  readonly sql: Sql;
  readonly url: string;
  end(): Promise<void>;
}

/** A database with the engine's schema. */
export async function apiDatabase(): Promise<ApiDatabase> {
  const database = await freshDatabase();
  const sql = connect(database.url, { max: 4, name: "api test" });
  await migrate(sql, [{ schema: "timeline", folder: join(import.meta.dir, "../../sql") }]);
  return {
    sql,
    url: database.url,
    end: async () => {
      await sql.end({ timeout: 5 });
      await database.drop();
    },
  };
}
