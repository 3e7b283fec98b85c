import type { InferOutput } from "valibot";
import * as v from "valibot";

import { isFor } from "../core/grant.ts";
import {
  countMinute,
  countOpen,
  countRetrying,
  type MinuteRow,
  type OpenRow,
  readLasting,
  readOldest,
} from "../timeline/read-overview.ts";
import { readPaused } from "../timeline/read-paused.ts";
import type { Sql } from "../timeline/database.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import type { Overview, OverviewDefinition } from "./overview-schema.ts";
import { viewPaused } from "./paused-groups.ts";
import { definitionsFor, type Principal, principalOf } from "./principal.ts";
import { readQuery } from "./read-query.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;
/** A minute is counted for good so long after its end: what began in it may commit a little later. */
const SETTLED_MS = 15_000;
/** A call counts older minutes for no longer than this; the next call goes on. */
const COUNTING_MS = 300;
/** Calls that come this soon one after another see the same minutes. */
const FRESH_MS = 1_000;

/** Numbers of all sagas, for the first page of the console. */
export function addOverviewRoutes(app: Api, { sql }: ApiParts): void {
  const hour = new Hour(sql);
  app.get("/v1/overview", GET, async (c) => {
    readQuery(c, v.strictObject({}));
    const principal = principalOf(c);
    const definitions = definitionsFor(principal, undefined);
    const [open, retrying, lasting, oldest, paused, minutes] = await Promise.all([
      countOpen(sql),
      countRetrying(sql, definitions),
      readLasting(sql, definitions),
      readOldest(sql, definitions),
      isFor(principal, null) ? readPaused(sql) : undefined,
      hour.minutes(),
    ]);
    const own = minutes.map(({ at, rows }) => ({ at, rows: rows.filter((row) => isFor(principal, row.definition)) }));
    const last = own.at(-2)?.rows ?? [];
    return c.json({
      startedPerSecond: sum(last, null) / 60,
      completedPerSecond: sum(last, "completed") / 60,
      p50Ms: lasting.p50_ms,
      p95Ms: lasting.p95_ms,
      retrying,
      ...stateOf(open, principal),
      ...(paused === undefined ? {} : { pausedGroups: paused.map((row) => viewPaused(row, principal)) }),
      oldest: oldest === undefined ? null : { sagaId: oldest.id, startedAt: oldest.started_at.toISOString() },
      definitions: definitionsOf(
        open.filter((row) => isFor(principal, row.definition)),
        own.flatMap(({ rows }) => rows),
      ),
      minutes: own.map(({ at, rows }) => {
        const [started, completed] = [sum(rows, null), sum(rows, "completed")];
        const ended = rows.reduce((all, row) => all + (row.status === null ? 0 : row.sagas), 0) - completed;
        return { at: new Date(at).toISOString(), started, completed, ended };
      }),
    } satisfies InferOutput<typeof Overview>);
  });
}

function sum(rows: readonly MinuteRow[], status: string | null): number {
  return rows.reduce((all, row) => all + (row.status === status ? row.sagas : 0), 0);
}

function stateOf(open: readonly OpenRow[], principal: Principal) {
  const of = (status: string) =>
    open.reduce((all, row) => all + (row.status === status && isFor(principal, row.definition) ? row.sagas : 0), 0);
  return { running: of("running"), compensating: of("compensating"), parked: of("parked") };
}

function definitionsOf(
  open: readonly OpenRow[],
  ended: readonly MinuteRow[],
): InferOutput<typeof OverviewDefinition>[] {
  const names = [...new Set([...open, ...ended].map((row) => row.definition))].toSorted();
  return names.map((definition) => {
    const of = (rows: readonly (OpenRow | MinuteRow)[], status: string) =>
      rows.reduce((all, row) => all + (row.definition === definition && row.status === status ? row.sagas : 0), 0);
    return {
      definition,
      running: of(open, "running"),
      compensating: of(open, "compensating"),
      parked: of(open, "parked"),
      completed: of(ended, "completed"),
      failed: of(ended, "failed"),
      cancelled: of(ended, "cancelled"),
      terminated: of(ended, "terminated"),
    };
  });
}

interface Minute {
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
  readonly rows: readonly MinuteRow[];
}

/** The last hour by minutes. Minutes that are over are counted once, the newest first, and kept. */
class Hour {
  readonly #sql: Sql;
  readonly #settled = new Map<number, readonly MinuteRow[]>();
  #last: { readonly at: number; readonly minutes: Promise<readonly Minute[]> } | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  minutes(): Promise<readonly Minute[]> {
    const now = Date.now();
    if (this.#last !== undefined && now - this.#last.at < FRESH_MS) return this.#last.minutes;
    const minutes = this.#look(now);
    this.#last = { at: now, minutes };
    minutes.catch(() => {
      this.#last = undefined;
    });
    return minutes;
  }

  async #look(now: number): Promise<readonly Minute[]> {
    const newest = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    const until = performance.now() + COUNTING_MS;
    const found: Minute[] = [];
    for (let at = newest; at > newest - MINUTES * MINUTE_MS; at -= MINUTE_MS) {
      const known = this.#settled.get(at);
      if (known === undefined && performance.now() > until && at < newest - MINUTE_MS) continue;
      const rows = known ?? (await countMinute(this.#sql, new Date(at), new Date(at + MINUTE_MS)));
      if (now > at + MINUTE_MS + SETTLED_MS) this.#settled.set(at, rows);
      found.unshift({ at, rows });
    }
    for (const at of this.#settled.keys()) if (at <= newest - MINUTES * MINUTE_MS) this.#settled.delete(at);
    return found;
  }
}

const GET = describe({
  tag: "sagas",
  operationId: "getOverview",
  access: { role: "viewer", over: "listed" },
  summary: "Read how all sagas stand",
  query: v.strictObject({}),
  answers: { 200: { description: "Open sagas, the last hour, durations", schema: "Overview" } },
});
