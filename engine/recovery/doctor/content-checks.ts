import type { Sql } from "../../timeline/database.ts";
import { readHeartbeats } from "../../timeline/heartbeats.ts";
import { countInError, type InError } from "../../timeline/in-error.ts";
import { listDefinitions } from "../../timeline/read-definitions.ts";
import { fault, type Finding, fine } from "./finding.ts";

const SILENT_MAX_MS = 60_000;

interface CountRow {
  readonly found: number;
  readonly since: Date | null;
}

/**
 * What waits for a person: parked sagas, messages in error, groups that somebody paused, retired definitions that still
 * have a file. `files`: by the names of definitions.
 */
export async function contentChecks(sql: Sql, files: ReadonlyMap<string, string>): Promise<readonly Finding[]> {
  const [[parked], errors, paused, retired] = await Promise.all([
    sql<CountRow[]>`
      select count(*)::integer as found, min(s.updated_at) as since
      from timeline.saga_open o join timeline.saga s on s.id = o.saga_id where o.status = 'parked'
    `,
    countInError(sql),
    pausedGroups(sql),
    retiredFiles(sql, files),
  ]);
  return [
    counted(
      "sagas",
      parked,
      ["saga is parked", "sagas are parked"],
      "bun run ekiden list --status parked",
      "no saga is parked",
    ),
    messagesFinding(errors),
    ...paused,
    ...retired,
  ];
}

function counted(
  check: string,
  row: CountRow | undefined,
  [one, many]: readonly [string, string],
  fix: string,
  none: string,
): Finding {
  const { found = 0, since = null } = row ?? {};
  return found === 0 ? fine(check, none) : fault("warn", check, `${found} ${found === 1 ? one : many}`, fix, since);
}

/** An attempt that failed stays in error when a later one succeeds: that is history, and nothing to warn of. */
function messagesFinding(groups: readonly InError[]): Finding {
  const found = groups.reduce((sum, { open }) => sum + open, 0);
  const settled = groups.reduce((sum, one) => sum + one.settled, 0);
  if (found === 0)
    return fine(
      "messages",
      settled === 0
        ? "no message is in error"
        : `no message is in error but ${settled} whose step has ended since, for which nothing is to be done`,
    );
  const times = groups.flatMap(({ since }) => (since === null ? [] : [since.getTime()]));
  const detail = `${found} ${found === 1 ? "consumption is" : "consumptions are"} in error`;
  return fault(
    "warn",
    "messages",
    settled === 0 ? detail : `${detail}, and ${settled} more whose step has ended since`,
    "bun run ekiden messages --error",
    times.length === 0 ? null : new Date(Math.min(...times)),
  );
}

interface PausedRow {
  readonly consumer_group: string;
  readonly paused_reason: string | null;
  readonly actor: string | null;
  readonly at: Date | null;
}

async function pausedGroups(sql: Sql): Promise<readonly Finding[]> {
  const rows = await sql<PausedRow[]>`
    select g.consumer_group, g.paused_reason, a.actor, a.at from timeline.consumer_group g
    left join lateral (
      select u.actor, u.at from timeline.audit u where u.action = 'group.pause' and u.target = g.consumer_group
      order by u.id desc limit 1
    ) a on true
    where g.paused order by 1
  `;
  if (rows.length === 0) return [fine("groups", "none is paused")];
  return rows.map(({ consumer_group: group, paused_reason: reason, actor, at }) => {
    const detail = `group ${group} was paused by ${actor ?? "somebody"}: ${reason ?? "no reason given"}`;
    return fault("warn", "groups", detail, `bun run ekiden resume ${group} --reason "…"`, at);
  });
}

async function retiredFiles(sql: Sql, files: ReadonlyMap<string, string>): Promise<readonly Finding[]> {
  return (await listDefinitions(sql)).flatMap((row) => {
    const file = files.get(row.name);
    if (row.retired_at === null || file === undefined) return [];
    const detail = `${row.name} was retired by ${row.retired_by}: ${row.retired_reason}; its file ${file} is still there, and starts nothing`;
    const fix = `Take the file away, or: bun run ekiden definitions restore ${row.name} --reason "…"`;
    return [fault("warn", "retired", detail, fix, row.retired_at)];
  });
}

/** Whether messages come through. `runs`: an engine is up, so that one should. */
export async function heartbeatChecks(sql: Sql, runs: boolean): Promise<readonly Finding[]> {
  const { last, ageMs, outMs } = await readHeartbeats(sql);
  const silentMs = ageMs ?? outMs;
  const since = last?.writtenAt ?? null;
  if (silentMs === null) return [fault("warn", "heartbeat", "no engine has sent one yet", "bun run engine")];
  if (silentMs <= SILENT_MAX_MS && last !== null) {
    const trip = last.returnedAt.getTime() - last.writtenAt.getTime();
    return [fine("heartbeat", `a message went the whole way in ${trip} ms, ${Math.round(silentMs / 1000)} s ago`)];
  }
  const detail = `no message has come through for ${Math.round(silentMs / 1000)} s`;
  if (outMs === null && !runs)
    return [fault("warn", "heartbeat", `${detail}: no engine sends any`, "bun run engine", since)];
  return [fault("red", "heartbeat", detail, "Look at the other lines; bun run ekiden pipeline shows each hop.", since)];
}
