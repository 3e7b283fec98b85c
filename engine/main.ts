/**
 * The composition root: the one file that knows every part. `bun run engine`.
 */
import type { Engine } from "./api/port.ts";
import { createApi, type RunningApi, serveApi } from "./api/server.ts";
import { type Config, parseConfig } from "./config.ts";
import type { Bound } from "./core/bound.ts";
import type { DomainCatalog } from "./core/domain.ts";
import { EngineError } from "./core/error.ts";
import { catalogOf } from "./definition/catalog.ts";
import { createEvaluator } from "./definition/expression.ts";
import { DefinitionDesk } from "./dispatcher/definition-desk.ts";
import { Dispatcher } from "./dispatcher/dispatcher.ts";
import { Recorder } from "./dispatcher/recorder.ts";
import { Requests } from "./dispatcher/requests.ts";
import { Revisions } from "./dispatcher/revisions.ts";
import { SagaChanges } from "./dispatcher/saga-changes.ts";
import { Starter } from "./dispatcher/start.ts";
import { Timers } from "./dispatcher/timers.ts";
import { Transitions } from "./dispatcher/transitions.ts";
import { engineCalls } from "./engine-calls.ts";
import { engineHealth } from "./health.ts";
import { type LoadedDomain, loadDomains } from "./participant/load-domains.ts";
import { consumedTopics } from "./participant/handlers.ts";
import { Participant } from "./participant/participant.ts";
import { Projector } from "./participant/projector.ts";
import { GroupControl } from "./recovery/group-control.ts";
import { Groups } from "./recovery/groups.ts";
import { rebuild } from "./recovery/rebuild.ts";
import { Rewind } from "./recovery/rewind.ts";
import type { Log } from "./sdk.ts";
import { Settling } from "./settled.ts";
import { startEmbeddedPostgres } from "./stack/embedded-postgres.ts";
import { lockHome } from "./stack/home-lock.ts";
import { announce } from "./start-print.ts";
import { createLog } from "./telemetry/log.ts";
import { connect, type PoolOptions, poolBound, reachDatabase, type Sql } from "./timeline/database.ts";
import { domainUrl } from "./timeline/domain-role.ts";
import { newId } from "./timeline/ids.ts";
import { type MigrationSet, migrate } from "./timeline/migrate.ts";
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

/** What to undo at the end, newest first. */
class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      // One part that cannot be stopped must not leave the others running.
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
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
  const sql = pool(databaseUrl, "engine", ENGINE_CONNECTIONS, closing, { plans: "index" });
  const transitionSql = pool(databaseUrl, "transitions", TRANSITION_CONNECTIONS, closing, { plans: "index" });
  const pools = [poolBound(transitionSql, "transitions")];
  await reachDatabase(sql, databaseUrl);
  await migrate(sql, migrationsOf(domains));
  const transport = await openTransport(config, transitionSql, databaseUrl, log, onFatal, closing);
  await transport.ensureTopics(["timeline", ...catalog.actions.keys()]);

  keepPartitionsAhead(sql, log, closing);
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
  const store = storeOf(config, transitionSql, transport);

  const parts = { config, sql, databaseUrl, domains, catalog, transport, control, store, log, closing, pools };
  if (config.roles.dispatcher) await startDispatcher(parts, transitions, changes);
  const projectors = await startDomains(parts);
  // Once more, so that it is drained before the pools that its consumers use are closed.
  closing.add(() => transport.stop());
  if (transport instanceof EmbeddedTransport) transport.start();
  control.start();
  closing.add(() => control.stop());

  const recorder = new Recorder(store("api"), transitions, changes);
  const starter = new Starter(recorder, revisions, evaluator, () => catalog);
  const requests = new Requests(recorder, revisions);
  const settling = new Settling(sql, changes);
  const rewind = new Rewind(sql, transport, control, groups);
  const rooms = { sql, catalog, desk, revisions, starter, requests, groups, rewind };
  const engine = engineCalls({
    ...rooms,
    settled: (sagaId, timeoutMs, signal) =>
      settling.settled(sagaId, timeoutMs, AbortSignal.any([signal, draining.signal])),
    health: () => engineHealth(sql, transport, control.consumers),
    bounds: () => [
      ...[starter, recorder, settling, transport, ...control.consumers].flatMap((part) => part.bounds),
      ...pools,
    ],
  });
  const api = config.roles.api ? openApi(config, engine, sql, log, closing) : null;
  // First of all at the end: callers who wait get the saga as it stands, instead of a connection that is cut.
  closing.add(async () => draining.abort());
  return {
    url: api?.url ?? null,
    databaseUrl,
    rebuild: (projection, reason) =>
      rebuild(sql, groups, projectorOf(projectors, projection), reason, { actor: "local" }),
    stop: () => closing.run(),
  };
}

/** Where a role writes: the same pool and transport, under its own name. */
function storeOf(config: Config, sql: Sql, transport: Transport): (role: string) => Store {
  return (role) => ({
    sql,
    producer: `${role}@${config.consumer}`,
    handOver: (rows, behindOthers) => transport.handOver(rows, behindOthers),
  });
}

/** The engine's own migrations, then those of each domain. */
function migrationsOf(domains: readonly LoadedDomain[]): MigrationSet[] {
  return [
    { schema: "timeline", folder: `${import.meta.dir}/../sql` },
    ...domains.map(({ domain, sqlFolder }) => ({ schema: domain.name, folder: sqlFolder })),
  ];
}

function projectorOf(projectors: ReadonlyMap<string, Projector>, projection: string): Projector {
  const projector = projectors.get(projection);
  if (projector === undefined) throw new Error(`this process keeps no projection "${projection}"`);
  return projector;
}

/** A process may run for longer than the partitions that were made at its start reach. */
function keepPartitionsAhead(sql: Sql, log: Log, closing: Closing): void {
  const partitions = setInterval(() => void makePartitions(sql, log), PARTITIONS_EVERY_MS);
  closing.add(async () => clearInterval(partitions));
}

async function makePartitions(sql: Sql, log: Log): Promise<void> {
  try {
    await sql`select timeline.ensure_partitions()`;
  } catch (error) {
    log.error("partitions could not be made ahead", { error });
  }
}

async function embeddedDatabase(config: Config, closing: Closing): Promise<string> {
  const lock = await lockHome(config.home);
  closing.add(() => lock.release());
  const postgres = await startEmbeddedPostgres({ home: config.home });
  closing.add(() => postgres.stop());
  return postgres.url;
}

function pool(url: string, name: string, max: number, closing: Closing, more: Partial<PoolOptions> = {}): Sql {
  const sql = connect(url, { max, name, ...more });
  closing.add(() => sql.end({ timeout: 5 }));
  return sql;
}

async function openTransport(
  config: Config,
  sql: Sql,
  databaseUrl: string,
  log: Log,
  onFatal: (error: Error) => void,
  closing: Closing,
): Promise<Transport> {
  if (config.kafka === undefined) {
    const owner = `${config.consumer.slice(-40)}/${newId().slice(-6)}`;
    const writer = pool(databaseUrl, owner, 1, closing, { synchronousCommit: "off" });
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
    topics.set(domain.name, consumedTopics(domain));
    for (const projection of Object.keys(domain.projections)) topics.set(`${domain.name}.${projection}`, ["timeline"]);
  }
  return topics;
}

interface DomainParts {
  readonly config: Config;
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly domains: readonly LoadedDomain[];
  readonly catalog: DomainCatalog;
  readonly transport: Transport;
  readonly control: GroupControl;
  readonly store: (role: string) => Store;
  readonly log: Log;
  readonly closing: Closing;
  readonly pools: Bound[];
}

async function startDispatcher(parts: DomainParts, transitions: Transitions, changes: SagaChanges): Promise<void> {
  const { config, transport, control, store, log, closing } = parts;
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

async function startDomains(parts: DomainParts): Promise<Map<string, Projector>> {
  const { config, sql, databaseUrl, domains, catalog, transport, control, store, log, closing, pools } = parts;
  const projectors = new Map<string, Projector>();
  const wanted = config.roles.domains;
  for (const { domain } of domains.filter(({ domain: { name } }) => wanted === "all" || wanted.has(name))) {
    const url = await domainUrl(sql, databaseUrl, domain.name);
    const limits = { statementTimeoutMs: HANDLER_MS, idleTransactionMs: HANDLER_MS };
    const batches = pool(url, `${domain.name} batches`, BATCH_CONNECTIONS, closing, limits);
    const singles = pool(url, domain.name, SINGLE_CONNECTIONS, closing, limits);
    pools.push(poolBound(batches, `${domain.name} batches`), poolBound(singles, domain.name));
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
      const projector = new Projector(`${domain.name}.${name}`, projection, singles, config.consumer);
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
