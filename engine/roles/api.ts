import { createKey, revokeKey } from "../access/keys.ts";
import type { Engine } from "../api/port.ts";
import { createApi, type RunningApi, serveApi } from "../api/server.ts";
import { consoleFolder } from "../console/folder.ts";
import { loadDefinition } from "../definition/load.ts";
import { Edits } from "../dispatcher/edits.ts";
import { allSteps } from "../core/path.ts";
import { Refusal } from "../core/refusal.ts";
import { Recorder } from "../dispatcher/recorder.ts";
import { Requests } from "../dispatcher/requests.ts";
import { Starter } from "../dispatcher/start.ts";
import { HealthCheck } from "../health.ts";
import { Pipeline } from "../recovery/pipeline.ts";
import { dropPartition } from "../recovery/partition-drop.ts";
import { exportPartition } from "../recovery/partition-export.ts";
import { listPartitions, partitionReport } from "../recovery/partitions.ts";
import { askRebuild, newestRebuild } from "../recovery/rebuild-requests.ts";
import { auditorHealth } from "../recovery/auditor.ts";
import { askRepublish, carryOnRepublish, previewRepublish, republishReport } from "../recovery/republish.ts";
import { dismiss } from "../recovery/dismiss.ts";
import { redrive } from "../recovery/redrive.ts";
import { RedriveBatches } from "../recovery/redrive-batch.ts";
import { restoreDefinition, retireDefinition } from "../recovery/retirement.ts";
import { Rewind } from "../recovery/rewind.ts";
import { verify } from "../recovery/verify.ts";
import { Settling } from "../settled.ts";
import type { Sql } from "../timeline/database.ts";
import { SagaCounters } from "../telemetry/saga-counters.ts";
import type { Deciding } from "./deciding.ts";
import { Doctor } from "./doctor.ts";
import type { Parts } from "./parts.ts";
import { nextTurn } from "../transport/turns.ts";

/** How long a call of the API republishes itself, milliseconds; the rest goes on in the role `dispatcher`. */
const REPUBLISH_MS = 3_000;

/** The role `api`: starts, signals and operator calls apply their transitions here, whoever runs the dispatcher. */
export function startApi(parts: Parts, deciding: Deciding): RunningApi {
  const { config, sql, log, closing } = parts;
  const draining = new AbortController();
  const api = serveApi({
    app: createApi({
      engine: engineOf(parts, deciding, draining.signal),
      sql,
      log,
      host: config.host,
      hosts: config.hosts,
      access: { tokens: config.tokens, ratePerSecond: config.ratePerSecond },
      draining: draining.signal,
      console: consoleFolder(config.home),
    }),
    host: config.host,
    port: config.port,
  });
  closing.add(() => api.stop());
  // First of all at the end: callers who wait get the saga as it stands, instead of a connection that is cut.
  closing.add(async () => draining.abort());
  return api;
}

function engineOf(parts: Parts, deciding: Deciding, draining: AbortSignal): Engine {
  const { config, sql, databaseUrl, pools, transport, control, groups, known, store } = parts;
  const { changes, revisions, evaluator, transitions, desk } = deciding;
  const recorder = new Recorder(store("api"), transitions, changes);
  const starter = new Starter(recorder, revisions, evaluator, () => known.catalog, nextTurn, desk.whyAbsent);
  const requests = new Requests(recorder, revisions, () => known.catalog, nextTurn);
  const edits = new Edits(sql, recorder, () => known.catalog, config.consumer);
  const settling = new Settling(sql, changes, { isTold: () => movesAll(parts), draining });
  const rewind = new Rewind(sql, transport, control, groups);
  const batches = new RedriveBatches(sql);
  const pipeline = new Pipeline({ ...parts, groups: () => groups.all() });
  const health = healthOf(parts, pipeline);
  const doctor = new Doctor(parts, { health: () => health.look(), desk });
  return {
    start: (definition, input, options, caller) =>
      starter.start({ definition, input, ...options, ...keyOf(caller), traceparent: caller.traceparent ?? null }),
    signal: (sagaId, signal, payload, caller) => requests.signal(sagaId, signal, payload, caller),
    cancel: (sagaId, reason, caller) => requests.cancel(sagaId, reason, caller),
    retry: (sagaId, { step, reason }, caller) => requests.retry(sagaId, step, reason, caller),
    skip: (sagaId, { step, reason }, caller) => requests.skip(sagaId, step, reason, caller),
    resolve: (sagaId, { step, result, reason }, caller) => requests.resolve(sagaId, step, result, reason, caller),
    terminate: (sagaId, reason, caller) => requests.terminate(sagaId, reason, caller),
    redrive: (messageId, reason, caller) => redrive(sql, messageId, reason, caller),
    dismiss: (messageId, reason, caller) => dismiss(sql, messageId, reason, caller),
    republish: async (selection, { preview, reason }, caller) => {
      if (preview) return previewRepublish(sql, selection);
      const until = performance.now() + REPUBLISH_MS;
      const id = await askRepublish(sql, selection, reason, caller);
      return carryOnRepublish(sql, id, () => performance.now() < until);
    },
    verify: (range) => {
      const definition = (name: string, revision: string) => revisions.get(sql, name, revision);
      return verify({ sql, definition, evaluator }, range);
    },
    rebuild: (group, reason, caller) => askRebuild(sql, projectionOf(groups, group), reason, caller),
    rebuilt: (group) => newestRebuild(sql, projectionOf(groups, group)),
    republished: (run) => republishReport(sql, run),
    partitions: () => listPartitions(sql, transport),
    partition: (name) => partitionReport(sql, transport, name),
    exportPartition: (name) => exportPartition(sql, name),
    dropPartition: (name, request, caller) => dropPartition(databaseUrl, transport, name, request, caller),
    ...onMessages(edits),
    previewRedrive: (selection) => batches.preview(selection),
    createRedrive: ({ selection, ...pace }, reason, caller) => batches.create(selection, pace, reason, caller),
    continueRedrive: (redriveId, reason, caller) => batches.goOn(redriveId, reason, caller),
    stopRedrive: (redriveId, reason, caller) => batches.stop(redriveId, reason, caller),
    settled: (...call) => settling.settled(...call),
    ...onDefinitions(known, desk),
    ...onRevisions(sql, revisions),
    groups: () => groups.all(),
    group: (group) => groups.one(group),
    pause: (group, reason, caller) => groups.pause(group, reason, caller),
    resume: (group, reason, caller) => groups.resume(group, reason, caller),
    rewind: async (group, target, { preview, reason }, caller) => {
      const found = preview ? await rewind.preview(group, target) : await rewind.rewind(group, target, reason, caller);
      return { group, preview, parts: found };
    },
    pipeline: () => pipeline.look(),
    doctor: () => doctor.look(),
    restartPipeline: (reason, caller) => pipeline.restart(reason, caller),
    ...onDatabase(sql),
    health: () => health.look(),
    bounds: () => [starter, requests, settling, transport, ...control.consumers, pools].flatMap((part) => part.bounds),
  };
}

function healthOf(parts: Parts, pipeline: Pipeline): HealthCheck {
  const { config, sql, transport, control, history, holdUps } = parts;
  return new HealthCheck(
    sql,
    transport,
    () => control.consumers,
    { heartbeat: () => pipeline.heartbeatHealth(), auditor: () => auditorHealth(sql) },
    () => [...history.health(), ...holdUps.health()],
    config.databaseUrl === undefined ? config.home : null,
  );
}

/** Whether this process moves all sagas; a standby, or one of several on Kafka, moves none, or its share of them. */
function movesAll({ config, control }: Parts): boolean {
  const dispatcher = control.member("dispatcher");
  const partitions = config.kafka?.partitions ?? 1;
  return (
    dispatcher !== undefined &&
    Array.from({ length: partitions }, (_, at) => at).every((at) => dispatcher.owns("timeline", at))
  );
}

function onMessages(edits: Edits): Pick<Engine, "edit" | "previewEdit"> {
  return {
    edit: (messageId, body, reason, caller) => edits.edit(messageId, body, reason, caller),
    previewEdit: (messageId, body) => edits.preview(messageId, body),
  };
}

/** What needs the definitions and the handlers that are known. */
function onDefinitions(known: Parts["known"], desk: Deciding["desk"]): Pick<Engine, "load" | "broken" | "files"> {
  return {
    load: (source) => {
      const { catalog } = known;
      return { ...loadDefinition(source, { catalog, definitions: desk.definitions }), catalog };
    },
    broken: () => desk.broken,
    files: () => desk.files,
  };
}

/** What needs the revision that a saga runs on. */
function onRevisions(sql: Sql, revisions: Deciding["revisions"]): Pick<Engine, "sensitive" | "hasChildren"> {
  return {
    sensitive: async (definition, revision) => (await revisions.get(sql, definition, revision)).sensitive,
    hasChildren: async (definition, revision) => {
      const steps = allSteps(await revisions.get(sql, definition, revision));
      return [...steps.values()].some(({ kind }) => kind === "saga");
    },
  };
}

/** What needs the database and nothing else. */
function onDatabase(
  sql: Sql,
): Pick<Engine, "createKey" | "revokeKey" | "retireDefinition" | "restoreDefinition" | "counters"> {
  const counters = new SagaCounters(sql);
  return {
    counters: () => counters.look(),
    createKey: (order, reason, caller) => createKey(sql, order, reason, caller),
    revokeKey: (name, reason, caller) => revokeKey(sql, name, reason, caller),
    retireDefinition: (name, reason, caller, view) => retireDefinition(sql, name, reason, caller, view),
    restoreDefinition: (name, reason, caller, view) => restoreDefinition(sql, name, reason, caller, view),
  };
}

/** @throws Refusal `group.unknown` */
function projectionOf(groups: Parts["groups"], group: string): string {
  groups.topicsOf(group);
  if (group.includes(".") && !group.startsWith("start.")) return group;
  throw new Refusal(
    "group.unknown",
    `${group} is no projection`,
    "Only `<domain>.<projection>` has a read model to build anew.",
  );
}

function keyOf(caller: { readonly idempotencyKey?: string }): { idempotencyKey?: string } {
  return caller.idempotencyKey === undefined ? {} : { idempotencyKey: caller.idempotencyKey };
}
