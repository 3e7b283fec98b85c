/**
 * The composition root: the one file that knows every part. `bun run engine`.
 */
import type { Engine } from "./api/port.ts";
import { createApi, type RunningApi, serveApi } from "./api/server.ts";
import { Closing } from "./closing.ts";
import { type Config, parseConfig } from "./config.ts";
import type { DomainCatalog } from "./core/domain.ts";
import { EngineError } from "./core/error.ts";
import { catalogOf } from "./definition/catalog.ts";
import { createEvaluator } from "./definition/expression.ts";
import { loadDefinition } from "./definition/load.ts";
import { DefinitionDesk } from "./dispatcher/definition-desk.ts";
import { Dispatcher } from "./dispatcher/dispatcher.ts";
import { Recorder } from "./dispatcher/recorder.ts";
import { Requests } from "./dispatcher/requests.ts";
import { Revisions } from "./dispatcher/revisions.ts";
import { SagaChanges } from "./dispatcher/saga-changes.ts";
import { Starter } from "./dispatcher/start.ts";
import { Timers } from "./dispatcher/timers.ts";
import { Transitions } from "./dispatcher/transitions.ts";
import { engineHealth } from "./health.ts";
import { type LoadedDomain, loadDomains } from "./participant/load-domains.ts";
import { handledTopics } from "./participant/handlers.ts";
import { Participant } from "./participant/participant.ts";
import { Projector } from "./participant/projector.ts";
import { Pools } from "./pools.ts";
import { GroupControl } from "./recovery/group-control.ts";
import { Groups } from "./recovery/groups.ts";
import { rebuild } from "./recovery/rebuild.ts";
import { redrive } from "./recovery/redrive.ts";
import { Rewind } from "./recovery/rewind.ts";
import type { Log } from "./sdk.ts";
import { settled } from "./settled.ts";
import { startEmbeddedPostgres } from "./stack/embedded-postgres.ts";
import { lockHome } from "./stack/home-lock.ts";
import { announce } from "./start-print.ts";
import { createLog } from "./telemetry/log.ts";
import { reachDatabase, type Sql } from "./timeline/database.ts";
import { domainUrl } from "./timeline/domain-role.ts";
import { migrate } from "./timeline/migrate.ts";
import type { Store } from "./timeline/store.ts";
import { EmbeddedTransport } from "./transport/embedded/embedded-transport.ts";
import { createKafkaTransport } from "./transport/kafka/kafka-transport.ts";
import { patienceOf } from "./transport/kafka/rebuilding.ts";
import type { Transport } from "./transport/port.ts";

const ENGINE_CONNECTIONS = 8;
/** For transitions (dispatcher, timers, starts, calls of the API) and the embedded transport; readers have their own. */
const TRANSITION_CONNECTIONS = 8;
/** Beyond every sensible step timeout: a handler's time is bounded by its step, not by its connection. */
const HANDLER_MS = 3_600_000;
/** How long a stop may wait for what is in progress; the rest is redelivered at the next start. */
const DRAIN_MS = 30_000;
const BATCH_CONNECTIONS = 2;
const SIGNAL_COPY_MS = 1_000;
const PARTITIONS_EVERY_MS = 6 * 3_600_000;
const SINGLE_CONNECTIONS = 8;

/** An engine that runs. `stop` drains: nothing new, what is in progress ends, then everything is given back. */
export interface RunningEngine {
  readonly url: string | null;
  readonly databaseUrl: string;
  rebuild(projection: string, reason: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts every part that the configuration asks for. What was started is stopped again when a later part fails. */
export async function startEngine(config: Config, log: Log, onFatal: (error: Error) => void): Promise<RunningEngine> {
  const closing = new Closing();
  try {
    return await start(config, log, onFatal, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function start(
  config: Config,
  log: Log,
  onFatal: (error: Error) => void,
  closing: Closing,
): Promise<RunningEngine> {
  const domains = await loadDomains(config.domains);
  const catalog = catalogOf(domains.map(({ domain }) => domain));
  const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(config, closing));
  const pools = new Pools(closing);
  const sql = pools.open(databaseUrl, "engine", ENGINE_CONNECTIONS, { plans: "index" });
  const transitionSql = pools.open(databaseUrl, "transitions", TRANSITION_CONNECTIONS, { plans: "index" });
  await reachDatabase(sql, databaseUrl);
  await migrate(sql, [
    { schema: "timeline", folder: `${import.meta.dir}/../sql` },
    ...domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder })),
  ]);
  const transport = await openTransport(config, transitionSql, databaseUrl, pools, log, onFatal, closing);
  await transport.ensureTopics(["timeline", ...catalog.actions.keys()]);

  // A process may run for longer than the partitions that were made at its start reach.
  const partitions = setInterval(() => void makePartitions(sql, log), PARTITIONS_EVERY_MS);
  closing.add(async () => clearInterval(partitions));
  const control = new GroupControl(sql, (what, error) => log.error(what, { error }));
  const groups = new Groups(sql, transport, control, groupTopics(domains));
  await groups.register();
  const desk = new DefinitionDesk({ sql, folder: config.domains, catalog, production: config.production, log });
  await desk.start();
  closing.add(() => desk.stop());

  const draining = new AbortController();
  const changes = new SagaChanges();
  const revisions = new Revisions();
  const evaluator = createEvaluator();
  const transitions = new Transitions(revisions, evaluator, config.consumer);
  const store = (role: string): Store => ({
    sql: transitionSql,
    producer: `${role}@${config.consumer}`,
    // A call of the API is served by whoever got it, owner or standby.
    ownerEpoch: () => (role === "api" ? null : transport.ownerEpoch()),
    handOver: (rows, behindOthers) => transport.handOver(rows, behindOthers),
  });

  if (config.roles.dispatcher) {
    const dispatcher = new Dispatcher(
      store("dispatcher"),
      transitions,
      changes,
      config.consumer,
      (error, { key, headers }) =>
        log.error("an event could not be applied; mend the cause and rewind the dispatcher to it", {
          error,
          sagaId: key,
          messageId: headers["id"],
        }),
    );
    const consumer = await transport.subscribe(dispatcher.subscription());
    await control.add(consumer);
    const timers = new Timers(store("dispatcher"), transitions, changes, (error) =>
      log.error("timers could not fire", { error }),
    );
    timers.start(() => consumer.status().state === "running");
    closing.add(() => timers.stop());
  }
  const projectors = await startDomains({
    config,
    sql,
    databaseUrl,
    pools,
    domains,
    catalog,
    transport,
    control,
    store,
    log,
  });
  // Once more, so that it is drained before the pools that its consumers use are closed.
  closing.add(() => transport.stop());
  if (transport instanceof EmbeddedTransport) transport.start();
  control.start();
  closing.add(() => control.stop());

  const recorder = new Recorder(store("api"), transitions, changes);
  const starter = new Starter(recorder, revisions, evaluator, () => catalog);
  const requests = new Requests(recorder, revisions);
  const rewind = new Rewind(sql, transport, control, groups);
  const engine: Engine = {
    start: (definition, input, options, caller) =>
      starter.start({ definition, input, ...options, ...keyOf(caller), traceparent: caller.traceparent ?? null }),
    signal: (sagaId, signal, payload, caller) => requests.signal(sagaId, signal, payload, caller),
    cancel: (sagaId, reason, caller) => requests.cancel(sagaId, reason, caller),
    retry: (sagaId, { step, reason }, caller) => requests.retry(sagaId, step, reason, caller),
    redrive: (messageId, reason, caller) => redrive(sql, messageId, reason, caller),
    settled: (sagaId, timeoutMs, signal) =>
      settled(sql, changes, sagaId, timeoutMs, AbortSignal.any([signal, draining.signal])),
    validate: (source) => loadDefinition(source, { catalog }).diagnostics,
    broken: () => desk.broken,
    sensitive: async (definition, revision) => (await revisions.get(sql, definition, revision)).sensitive,
    groups: () => groups.all(),
    group: (group) => groups.one(group),
    pause: (group, reason, caller) => groups.pause(group, reason, caller),
    resume: (group, reason, caller) => groups.resume(group, reason, caller),
    rewind: async (group, target, { preview, reason }, caller) => {
      const parts = preview ? await rewind.preview(group, target) : await rewind.rewind(group, target, reason, caller);
      return { group, preview, parts };
    },
    health: () => engineHealth(sql, transport, control.consumers),
  };
  const api = config.roles.api ? openApi(config, engine, sql, log, closing) : null;
  // First of all at the end: callers who wait get the saga as it stands, instead of a connection that is cut.
  closing.add(async () => draining.abort());
  return {
    url: api?.url ?? null,
    databaseUrl,
    rebuild: async (projection, reason) => {
      const projector = projectors.get(projection);
      if (projector === undefined) throw new Error(`this process keeps no projection "${projection}"`);
      return rebuild(sql, groups, projector, reason, { actor: "local" });
    },
    stop: () => closing.run(),
  };
}

async function makePartitions(sql: Sql, log: Log): Promise<void> {
  try {
    await sql`select timeline.ensure_partitions()`;
  } catch (error) {
    log.error("partitions could not be made ahead", { error });
  }
}

function keyOf(caller: { readonly idempotencyKey?: string }): { idempotencyKey?: string } {
  return caller.idempotencyKey === undefined ? {} : { idempotencyKey: caller.idempotencyKey };
}

async function embeddedDatabase(config: Config, closing: Closing): Promise<string> {
  const lock = await lockHome(config.home);
  closing.add(() => lock.release());
  const postgres = await startEmbeddedPostgres({ home: config.home });
  closing.add(() => postgres.stop());
  return postgres.url;
}

async function openTransport(
  config: Config,
  sql: Sql,
  databaseUrl: string,
  pools: Pools,
  log: Log,
  onFatal: (error: Error) => void,
  closing: Closing,
): Promise<Transport> {
  if (config.kafka === undefined) {
    const owner = `${config.consumer.slice(-40)}/${pools.process}`;
    const writer = pools.open(databaseUrl, owner, 1, { process: undefined, synchronousCommit: "off" });
    const transport = new EmbeddedTransport({
      sql,
      writer,
      owner,
      problem: (what, error) => log.error(what, { error }),
    });
    closing.add(() => transport.stop());
    return transport;
  }
  const patience = patienceOf(config.patienceMs);
  const clientId = `ekiden-${config.consumer}`;
  const transport = await createKafkaTransport({
    ...config.kafka,
    prefix: config.prefix,
    databaseUrl,
    sql,
    clientId,
    log,
    patience,
    onFatal,
  });
  closing.add(() => transport.stop());
  return transport;
}

function groupTopics(domains: readonly LoadedDomain[]): ReadonlyMap<string, readonly string[]> {
  const topics = new Map<string, readonly string[]>([["dispatcher", ["timeline"]]]);
  for (const { domain } of domains) {
    topics.set(domain.name, handledTopics(domain));
    for (const projection of Object.keys(domain.projections)) topics.set(`${domain.name}.${projection}`, ["timeline"]);
  }
  return topics;
}

interface DomainParts {
  readonly config: Config;
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly pools: Pools;
  readonly domains: readonly LoadedDomain[];
  readonly catalog: DomainCatalog;
  readonly transport: Transport;
  readonly control: GroupControl;
  readonly store: (role: string) => Store;
  readonly log: Log;
}

async function startDomains(parts: DomainParts): Promise<Map<string, Projector>> {
  const { config, sql, databaseUrl, pools, domains, catalog, transport, control, store, log } = parts;
  const projectors = new Map<string, Projector>();
  const wanted = config.roles.domains;
  for (const { domain } of domains.filter(({ domain: { name } }) => wanted === "all" || wanted.has(name))) {
    const url = await domainUrl(sql, databaseUrl, domain.name);
    const limits = { statementTimeoutMs: HANDLER_MS, idleTransactionMs: HANDLER_MS };
    const batches = pools.open(url, `${domain.name} batches`, BATCH_CONNECTIONS, limits);
    const singles = pools.open(url, domain.name, SINGLE_CONNECTIONS, limits);
    const participant = new Participant({
      domain,
      catalog,
      store: store(domain.name),
      batches,
      singles,
      log,
      consumer: config.consumer,
    });
    const subscription = participant.subscription();
    if (subscription.topics.length > 0) await control.add(await transport.subscribe(subscription));
    for (const [name, projection] of Object.entries(domain.projections)) {
      const projector = new Projector(
        `${domain.name}.${name}`,
        projection,
        { ...store(domain.name), sql: singles },
        config.consumer,
      );
      projectors.set(projector.group, projector);
      await control.add(await transport.subscribe(projector.subscription()));
    }
  }
  return projectors;
}

function openApi(config: Config, engine: Engine, sql: Sql, log: Log, closing: Closing): RunningApi {
  const api = serveApi({
    app: createApi({ engine, sql, log, host: config.host }),
    host: config.host,
    port: config.port,
  });
  closing.add(() => api.stop());
  return api;
}

async function run(): Promise<void> {
  const startedAt = performance.now();
  const config = parseConfig(process.env);
  const log = createLog(config.log);
  const engine = startEngine(config, log, (error) => {
    log.error("the engine cannot go on", { error });
    process.exitCode = 1;
    void stop("a consumer that was lost");
  });
  let stopping = false;
  const stop = async (why: string) => {
    if (stopping) return;
    stopping = true;
    log.info(`stopping because of ${why}: what is in progress ends first`);
    const late = Bun.sleep(DRAIN_MS).then(() =>
      log.warn(`not everything ended within ${DRAIN_MS / 1000} s; the rest is redelivered at the next start`),
    );
    // Whatever fails on the way, and even while the engine is still starting: the process ends.
    const ended = engine
      .then((started) => started.stop())
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
  const running = await engine;
  process.on("SIGINT", interrupted);
  process.on("SIGTERM", interrupted);
  announce(config, running, performance.now() - startedAt);
}

if (import.meta.main || process.argv[1] === import.meta.path) {
  run().catch((error: unknown) => {
    console.error(error instanceof EngineError ? `${error.message}\n${error.hint}` : error);
    process.exit(1);
  });
}
