import type { Sql } from "./database.ts";

/** A row of `timeline.definition`. */
export interface DefinitionRow {
  readonly name: string;
  readonly revision: string;
  readonly version: number;
  readonly updated_at: Date;
}

/** A row of `timeline.definition_revision`. */
export interface RevisionRow {
  readonly name: string;
  readonly revision: string;
  readonly version: number;
  readonly source: string;
  readonly created_at: Date;
}

/** Most revisions that one answer names. */
const REVISIONS_MAX = 200;

/** All definitions by name. */
export function listDefinitions(sql: Sql): Promise<readonly DefinitionRow[]> {
  return sql<DefinitionRow[]>`select name, revision, version, updated_at from timeline.definition order by name`;
}

/** One definition with its current source; undefined when there is none. */
export async function readDefinition(
  sql: Sql,
  name: string,
): Promise<(DefinitionRow & { readonly source: string }) | undefined> {
  const [row] = await sql<(DefinitionRow & { source: string })[]>`
    select d.name, d.revision, d.version, d.updated_at, r.source
    from timeline.definition d
    join timeline.definition_revision r on r.name = d.name and r.revision = d.revision
    where d.name = ${name}
  `;
  return row;
}

/** Revisions of a definition, newest first. */
export function listRevisions(sql: Sql, name: string): Promise<readonly Omit<RevisionRow, "source">[]> {
  return sql<Omit<RevisionRow, "source">[]>`
    select name, revision, version, created_at
    from timeline.definition_revision
    where name = ${name}
    order by created_at desc, revision
    limit ${REVISIONS_MAX}
  `;
}

/** One revision; undefined when there is none. */
export async function readRevision(sql: Sql, name: string, revision: string): Promise<RevisionRow | undefined> {
  const [row] = await sql<RevisionRow[]>`
    select name, revision, version, source, created_at
    from timeline.definition_revision
    where name = ${name} and revision = ${revision}
  `;
  return row;
}
