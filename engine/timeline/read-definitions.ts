import type { Sql, Tx } from "./database.ts";

/** Since when, by whom and why a definition starts no saga; all null: it is not retired. */
export interface Retired {
  readonly retired_at: Date | null;
  readonly retired_by: string | null;
  readonly retired_reason: string | null;
}

/** A row of `timeline.definition`. */
export interface DefinitionRow extends Retired {
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
  return sql<DefinitionRow[]>`
    select name, revision, version, updated_at, retired_at, retired_by, retired_reason
    from timeline.definition order by name
  `;
}

/** One definition with its current source; undefined when there is none. */
export async function readDefinition(
  sql: Sql | Tx,
  name: string,
): Promise<(DefinitionRow & { readonly source: string }) | undefined> {
  const [row] = await sql<(DefinitionRow & { source: string })[]>`
    select d.name, d.revision, d.version, d.updated_at, d.retired_at, d.retired_by, d.retired_reason, r.source
    from timeline.definition d
    join timeline.definition_revision r on r.name = d.name and r.revision = d.revision
    where d.name = ${name}
  `;
  return row;
}

/** A revision and the sagas that are not final and run on it. */
export interface RevisionUse {
  readonly revision: string;
  readonly version: number;
  readonly created_at: Date;
  readonly open: number;
  /** Of those: how many wait for a person. */
  readonly parked: number;
}

/** Revisions of a definition, newest first; older ones too as long as sagas run on them. */
export function listRevisions(sql: Sql, name: string): Promise<readonly RevisionUse[]> {
  return sql<RevisionUse[]>`
    with in_use as (
      select s.revision, count(*)::integer as open, count(*) filter (where o.status = 'parked')::integer as parked
      from timeline.saga_open o
      join timeline.saga s on s.id = o.saga_id
      where o.definition = ${name}
      group by s.revision
    ), newest as (
      select revision from timeline.definition_revision
      where name = ${name}
      order by created_at desc, revision
      limit ${REVISIONS_MAX}
    )
    select r.revision, r.version, r.created_at, coalesce(u.open, 0) as open, coalesce(u.parked, 0) as parked
    from timeline.definition_revision r
    left join in_use u on u.revision = r.revision
    where r.name = ${name} and (u.revision is not null or r.revision in (select revision from newest))
    order by r.created_at desc, r.revision
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
