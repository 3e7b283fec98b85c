import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How to reach the embedded server; `<home>/database.url` is the only place that holds the password. */
export interface DatabaseAddress {
  readonly password: string;
  readonly port: number;
  readonly database: string;
}

/** The URL of an address, for any PostgreSQL client. */
export function databaseUrl({ password, port, database }: DatabaseAddress): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/** Reads `<home>/database.url`. Undefined: missing, or not written by us. */
export async function readDatabaseUrl(home: string): Promise<DatabaseAddress | undefined> {
  const text = await readFile(join(home, "database.url"), "utf8").catch(() => "");
  const url = URL.parse(text.trim());
  if (url === null || url.password === "") return undefined;
  return { password: url.password, port: Number(url.port), database: decodeURIComponent(url.pathname.slice(1)) };
}

/** Writes `<home>/database.url`, readable by its owner only, whole or not at all. */
export async function writeDatabaseUrl(home: string, address: DatabaseAddress): Promise<void> {
  const draft = join(home, `database.url.${process.pid}`);
  await writeFile(draft, `${databaseUrl(address)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, join(home, "database.url"));
}
