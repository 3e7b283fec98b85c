import type { Engine } from "./api/port.ts";
import type { DomainCatalog } from "./core/domain.ts";
import { loadDefinition } from "./definition/load.ts";
import type { DefinitionDesk } from "./dispatcher/definition-desk.ts";
import type { Requests } from "./dispatcher/requests.ts";
import type { Revisions } from "./dispatcher/revisions.ts";
import type { Starter } from "./dispatcher/start.ts";
import type { Groups } from "./recovery/groups.ts";
import { redrive } from "./recovery/redrive.ts";
import type { Rewind } from "./recovery/rewind.ts";
import type { Sql } from "./timeline/database.ts";

/** What the calls are made of; those that concern the whole process are given as they are. */
export interface CallParts extends Pick<Engine, "settled" | "health" | "bounds"> {
  readonly sql: Sql;
  readonly catalog: DomainCatalog;
  readonly desk: DefinitionDesk;
  readonly revisions: Revisions;
  readonly starter: Starter;
  readonly requests: Requests;
  readonly groups: Groups;
  readonly rewind: Rewind;
}

/** What the API may ask of the engine, carried out by the rooms that do it. */
export function engineCalls(parts: CallParts): Engine {
  const { sql, catalog, desk, revisions, starter, requests, groups, rewind, settled, health, bounds } = parts;
  return {
    start: (definition, input, options, caller) =>
      starter.start({ definition, input, ...options, ...keyOf(caller), traceparent: caller.traceparent ?? null }),
    signal: (sagaId, signal, payload, caller) => requests.signal(sagaId, signal, payload, caller),
    cancel: (sagaId, reason, caller) => requests.cancel(sagaId, reason, caller),
    retry: (sagaId, { step, reason }, caller) => requests.retry(sagaId, step, reason, caller),
    redrive: (messageId, reason, caller) => redrive(sql, messageId, reason, caller),
    settled,
    validate: (source) => loadDefinition(source, { catalog }).diagnostics,
    broken: () => desk.broken,
    sensitive: async (definition, revision) => (await revisions.get(sql, definition, revision)).sensitive,
    groups: () => groups.all(),
    group: (group) => groups.one(group),
    pause: (group, reason, caller) => groups.pause(group, reason, caller),
    resume: (group, reason, caller) => groups.resume(group, reason, caller),
    rewind: async (group, target, { preview, reason }, caller) => {
      const moved = preview ? await rewind.preview(group, target) : await rewind.rewind(group, target, reason, caller);
      return { group, preview, parts: moved };
    },
    health,
    bounds,
  };
}

function keyOf(caller: { readonly idempotencyKey?: string }): { idempotencyKey?: string } {
  return caller.idempotencyKey === undefined ? {} : { idempotencyKey: caller.idempotencyKey };
}
