import type { Definition } from "../core/definition.ts";
import type { Sql, Tx } from "./database.ts";
import type { Retired } from "./read-definitions.ts";

/** What became of a definition that was offered. */
export type Published =
  /** It is what new sagas run on; `retired`: there are none until it is restored. */
  | { readonly kind: "current"; readonly changed: boolean; readonly retired: Retired }
  /** A higher version is current: this file is older. */
  | { readonly kind: "older"; readonly current: number }
  /** The same version with other content, in production. */
  | { readonly kind: "conflict"; readonly version: number };

const NOT_RETIRED: Retired = { retired_at: null, retired_by: null, retired_reason: null };

/** Keeps a revision with its source and makes it current: the highest version wins (design §3). One that is retired stays so. */
export async function publishDefinition(
  sql: Sql,
  definition: Definition,
  source: string,
  production: boolean,
): Promise<Published> {
  const { name, revision, version } = definition;
  const published = await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${`definition/${name}`}, 3))`;
    const [current] = await tx<(Retired & { revision: string; version: number })[]>`
      select revision, version, retired_at, retired_by, retired_reason from timeline.definition where name = ${name}
    `;
    if (current?.revision === revision) {
      await keepSchedule(tx, definition);
      return { kind: "current", changed: false, retired: current };
    }
    if (current !== undefined && current.version > version) return { kind: "older", current: current.version };
    if (current?.version === version && production) return { kind: "conflict", version };
    await tx`
      insert into timeline.definition_revision (name, revision, version, source) values (${name}, ${revision}, ${version}, ${source})
      on conflict (name, revision) do nothing
    `;
    await tx`
      insert into timeline.definition as d (name, revision, version, schedule)
      values (${name}, ${revision}, ${version}, ${scheduleText(definition)})
      on conflict (name) do update set revision = excluded.revision, version = excluded.version, updated_at = clock_timestamp(),
        schedule = excluded.schedule,
        scheduled_since = case when d.schedule is distinct from excluded.schedule then clock_timestamp() else d.scheduled_since end
    `;
    return { kind: "current", changed: true, retired: current ?? NOT_RETIRED };
  });
  return published as Published;
}

/**
 * Writes the schedule of a revision that an engine of before made current: that knew no column for it, and counted planned
 * times from there.
 */
async function keepSchedule(tx: Tx, definition: Definition): Promise<void> {
  const schedule = scheduleText(definition);
  await tx`
    update timeline.definition set schedule = ${schedule}, scheduled_since = updated_at
    where name = ${definition.name} and schedule is distinct from ${schedule}
  `;
}

/** What planned times depend on, the same for every way to write it; empty: there is no schedule. */
function scheduleText({ schedule }: Definition): string {
  return schedule === undefined ? "" : `${schedule.cron.trim().split(/\s+/).join(" ")} ${schedule.timezone}`;
}
