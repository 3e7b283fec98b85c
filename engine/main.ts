/**
 * The composition root: `bun run engine`. Each role composes its own rooms in `engine/roles/`; a role that is not started
 * is not even loaded.
 */
import { join } from "node:path";

import { Closing } from "./closing.ts";
import { type Config, ConfigError, parseConfig } from "./config.ts";
import { EngineError } from "./core/error.ts";
import { endSignals } from "./end-signals.ts";
import { armFailpoint } from "./failpoint.ts";
import { elsewhereTopics, groupTopics } from "./core/published-domain.ts";
import { HoldUps } from "./hold-ups.ts";
import { openTransport } from "./open-transport.ts";
import { Pools } from "./pools.ts";
import { GroupControl } from "./recovery/group-control.ts";
import { Groups } from "./recovery/groups.ts";
import { HistoryWatch } from "./recovery/history-watch.ts";
import type { Deciding } from "./roles/deciding.ts";
import type { OwnDomains, RebuildProjection } from "./roles/domains.ts";
import type { Parts } from "./roles/parts.ts";
import type { Log } from "./sdk.ts";
import { announce } from "./start-print.ts";
import { CalmLog } from "./telemetry/calm-log.ts";
import { createLog } from "./telemetry/log.ts";
import { reachDatabase, type Sql } from "./timeline/database.ts";
import { ENGINE_MIGRATIONS } from "./timeline/engine-migrations.ts";
import { KnownDomains } from "./timeline/known-domains.ts";
import { migrateAt } from "./timeline/migrate.ts";
import { ensurePartitions } from "./timeline/partitions.ts";
import { HEARTBEAT_TOPIC } from "./transport/port.ts";
import { unknownVariableLines } from "./unknown-variables.ts";

const ENGINE_CONNECTIONS = 8;
/** For transitions (dispatcher, timers, starts, calls of the API) and the embedded transport; readers have their own. */
const TRANSITION_CONNECTIONS = 8;
/** How long a stop may wait for what is in progress; the rest is redelivered at the next start. */
const DRAIN_MS = 30_000;
const SIGNAL_COPY_MS = 1_000;
const PARTITIONS_EVERY_MS = 6 * 3_600_000;

/** An engine that runs. `stop` drains: nothing new, what is in progress ends, then everything is given back. */
export interface RunningEngine {
  readonly url: string | null;
  readonly databaseUrl: string;
  rebuild: RebuildProjection;
  stop(): Promise<void>;
}

/** Something that the engine cannot go on without is lost; `what` ends the sentence that it stops because of it. */
type OnFatal = (error: Error, what: string) => void;

/** Starts every part that the configuration asks for. What was started is stopped again when a later part fails. */
export async function startEngine(config: Config, log: Log, onFatal: OnFatal): Promise<RunningEngine> {
  const closing = new Closing();
  try {
    return await start(config, log, onFatal, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function start(config: Config, log: Log, onFatal: OnFatal, closing: Closing): Promise<RunningEngine> {
  const { roles } = config;
  const runsDomains = roles.domains === "all" || roles.domains.size > 0;
  const domainsRole = runsDomains ? await import("./roles/domains.ts") : null;
  const own = await domainsRole?.loadOwnDomains(config.domains, roles.domains);
  const { parts, startTransport } = await openParts(config, own, log, onFatal, closing);
  const deciding = roles.dispatcher || roles.api ? await openDeciding(parts) : null;
  if (roles.dispatcher && deciding !== null) {
    const { startDispatcher } = await import("./roles/dispatcher.ts");
    await startDispatcher(parts, deciding);
  }
  const rebuild = own === undefined ? undefined : await domainsRole?.startDomains(parts, own);
  // Once more, so that it is drained before the pools that its consumers use are closed.
  closing.add(() => parts.transport.stop());
  startTransport();
  parts.control.start();
  closing.add(() => parts.control.stop());
  parts.history.start();
  closing.add(() => parts.history.stop());
  parts.holdUps.start();
  closing.add(async () => parts.holdUps.stop());
  let url: string | null = null;
  if (roles.api && deciding !== null) {
    const { startApi } = await import("./roles/api.ts");
    url = startApi(parts, deciding).url;
  }
  return { url, databaseUrl: parts.databaseUrl, rebuild: rebuild ?? keepsNone, stop: () => closing.run() };
}

async function openDeciding(parts: Parts): Promise<Deciding> {
  const deciding = await import("./roles/deciding.ts");
  return deciding.openDeciding(parts);
}

async function keepsNone(projection: string): Promise<never> {
  throw new Error(`this process keeps no projection "${projection}"`);
}

/** What every process has: the database with its schema, the transport with its topics, the consumer groups. */
async function openParts(
  config: Config,
  own: OwnDomains | undefined,
  log: Log,
  onFatal: OnFatal,
  closing: Closing,
): Promise<{ parts: Parts; startTransport: () => void }> {
  const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(config, log, onFatal, closing));
  const pools = new Pools(closing, config.statementTimeoutMs);
  const sql = pools.open(databaseUrl, "engine", ENGINE_CONNECTIONS, { plans: "index" });
  const transitionSql = pools.open(databaseUrl, "transitions", TRANSITION_CONNECTIONS, { plans: "fixed" });
  const ownLog = config.databaseUrl === undefined ? join(config.home, "postgres.log") : undefined;
  await reachDatabase(
    sql,
    databaseUrl,
    ownLog && `It is the engine's own, its log is ${ownLog}: start the engine again.`,
  );
  const domains = own?.loaded ?? [];
  const ownSets = domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder }));
  await migrateAt(databaseUrl, [ENGINE_MIGRATIONS, ...ownSets], (line) => log.warn(line));
  const { refuseOpenBind } = await import("./roles/open-bind.ts");
  await refuseOpenBind(config, sql);
  const ownCatalog = own?.catalog ?? { actions: new Map() };
  const known = new KnownDomains(sql, own?.published ?? [], ownCatalog, config.roles.domains === "all");
  const history = new HistoryWatch(sql, log);
  await history.lookAtDatabase();
  const prepared = history.need === null ? "ready" : "registered";
  const opened = await openTransport(
    config,
    { sql: transitionSql, databaseUrl, pools, log, closing, prepared },
    (error) => onFatal(error, "a consumer that was lost"),
  );
  const { transport } = opened;
  await transport.ensureTopics(["timeline", HEARTBEAT_TOPIC, ...ownCatalog.actions.keys()]);
  keepPartitions(sql, log, closing);
  const control = new GroupControl(sql, (what, error) => log.error(what, { error }));
  const topics = () => groupTopics(known.domains);
  const groups = new Groups(sql, transport, control, topics, () => elsewhereTopics(known.domains));
  await groups.register();
  await known.publish();
  await history.lookAtBroker(transport.broker);
  const store: Parts["store"] = (role) => ({
    sql: transitionSql,
    producer: `${role}@${config.consumer}`,
    // A call of the API is served by whoever got it, owner or standby.
    ownerEpoch: () => (role === "api" ? null : transport.ownerEpoch()),
    handsOver: () => (transport.ownerEpoch() ?? 0) > 0,
    handOver: (rows, xid, behindOthers) => transport.handOver(rows, xid, behindOthers),
  });
  const holdUps = new HoldUps(log);
  const parts = {
    config,
    sql,
    databaseUrl,
    pools,
    transport,
    control,
    groups,
    history,
    holdUps,
    known,
    store,
    log,
    closing,
  };
  return { parts, startTransport: opened.start };
}

/** A process may run for longer than the partitions that were made at its start reach. */
function keepPartitions(sql: Sql, log: Log, closing: Closing): void {
  const partitions = setInterval(() => void makePartitions(sql, log), PARTITIONS_EVERY_MS);
  closing.add(async () => clearInterval(partitions));
}

async function makePartitions(sql: Sql, log: Log): Promise<void> {
  try {
    await ensurePartitions(sql, (line) => log.warn(line));
  } catch (error) {
    log.error("partitions could not be made ahead", { error });
  }
}

async function embeddedDatabase(config: Config, log: Log, onFatal: OnFatal, closing: Closing): Promise<string> {
  const { lockHome } = await import("./stack/home-lock.ts");
  const { startEmbeddedPostgres } = await import("./stack/embedded-postgres.ts");
  const { KeptPostgres } = await import("./stack/kept-postgres.ts");
  const lock = await lockHome(config.home);
  closing.add(() => lock.release());
  const postgres = await startEmbeddedPostgres({ home: config.home });
  const kept = new KeptPostgres(postgres, config.home, log, (error) =>
    onFatal(error, "its own PostgreSQL, which ended"),
  );
  closing.add(() => kept.stop());
  return postgres.url;
}

async function run(): Promise<void> {
  const startedAt = performance.now();
  const config = parseConfig(process.env, process.argv.slice(2));
  const fault = armFailpoint(process.env);
  if (fault !== undefined) throw new ConfigError(fault);
  const log = new CalmLog(createLog(config.log));
  // However it ends: what came and was not written yet is how things stood.
  process.on("exit", () => log.flush());
  for (const line of unknownVariableLines(process.env)) log.warn(line);
  const engine = startEngine(config, log, (error, what) => {
    log.error("the engine cannot go on", { error });
    process.exitCode = 1;
    void stop(what);
  });
  let started = false;
  let stopping = false;
  const stop = async (why: string) => {
    if (stopping) return;
    stopping = true;
    const first = started ? "what is in progress ends first" : "the start ends first";
    log.info(`stopping because of ${why}: ${first}`);
    const late = Bun.sleep(DRAIN_MS).then(() =>
      log.warn(`not everything ended within ${DRAIN_MS / 1000} s; the rest is redelivered at the next start`),
    );
    // Whatever fails on the way, and even while the engine is still starting: the process ends.
    const ended = engine
      .then((running) => running.stop())
      .catch((error: unknown) => {
        log.error("not everything could be stopped", { error });
        process.exitCode ??= 1;
      });
    await Promise.race([ended, late]);
    process.exit(process.exitCode === undefined ? 0 : Number(process.exitCode));
  };
  let interruptedAt = Number.NEGATIVE_INFINITY;
  const interrupted = (signal: string) => {
    // One Ctrl-C arrives several times: the terminal signals the whole process group, and npx and `bun run` pass it on.
    const copy = performance.now() - interruptedAt < SIGNAL_COPY_MS;
    if (!copy) interruptedAt = performance.now();
    if (copy) return;
    // A second one: the person wants out now; everything unfinished is redelivered at the next start.
    if (stopping) process.exit(process.exitCode === undefined ? 130 : Number(process.exitCode));
    void stop(signal);
  };
  // A stray promise of a handler must not take the engine down with it: what counts is in the database.
  process.on("unhandledRejection", (error) => log.error("a promise failed that nobody awaited", { error }));
  // From the beginning: what was started until then, the database above all, is stopped too.
  for (const signal of endSignals()) process.on(signal, interrupted);
  const running = await engine;
  started = true;
  if (!stopping) announce(config, running, performance.now() - startedAt);
}

/** A terminal has room for the lines at fault. */
function shownOf(error: EngineError): string {
  return "shown" in error ? String(error.shown) : error.message;
}

if (import.meta.main || process.argv[1] === import.meta.path) {
  run().catch((error: unknown) => {
    console.error(error instanceof EngineError ? `${shownOf(error)}\n${error.hint}` : error);
    process.exit(1);
  });
}
