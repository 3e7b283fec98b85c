import type { Definition } from "../core/definition.ts";
import type { Sql } from "./database.ts";

/** What became of a definition that was offered. */
export type Published =
  /** It is what new sagas run on. */
  | { readonly kind: "current"; readonly changed: boolean }
  /** A higher version is current: this file is older. */
  | { readonly kind: "older"; readonly current: number }
  /** The same version with other content, in production. */
  | { readonly kind: "conflict"; readonly version: number };

/** Keeps a revision with its source and makes it current: the highest version wins (design §3). */
export async function publishDefinition(
  sql: Sql,
  definition: Definition,
  source: string,
  production: boolean,
): Promise<Published> {
  const { name, revision, version } = definition;
  const published = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`definition/${name}`}, 3))`;
    const [current] = await tx<{ revision: string; version: number }[]>`
      select revision, version from timeline.definition where name = ${name}
    `;
    if (current?.revision === revision) return { kind: "current", changed: false };
    if (current !== undefined && current.version > version) return { kind: "older", current: current.version };
    if (current?.version === version && production) return { kind: "conflict", version };
    await tx`
      insert into timeline.definition_revision (name, revision, version, source) values (${name}, ${revision}, ${version}, ${source})
      on conflict (name, revision) do nothing
    `;
    await tx`
      insert into timeline.definition (name, revision, version) values (${name}, ${revision}, ${version})
      on conflict (name) do update set revision = excluded.revision, version = excluded.version, updated_at = clock_timestamp()
    `;
    return { kind: "current", changed: true };
  });
  return published as Published;
}
