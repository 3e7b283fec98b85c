import type { Roles } from "../config.ts";
import type { DomainCatalog } from "../core/domain.ts";
import { type PublishedDomain, publishedDomain } from "../core/published-domain.ts";
import { catalogOf } from "../definition/catalog.ts";
import { type LoadedDomain, loadDomains } from "../participant/load-domains.ts";
import { Participant } from "../participant/participant.ts";
import { Projector } from "../participant/projector.ts";
import { Duty } from "../recovery/duty.ts";
import { rebuild } from "../recovery/rebuild.ts";
import { carryOutRebuilds } from "../recovery/rebuild-requests.ts";
import { domainUrl } from "../timeline/domain-role.ts";
import type { Parts } from "./parts.ts";

/** Beyond every sensible step timeout: a handler's time is bounded by its step, not by its connection. */
const HANDLER_MS = 3_600_000;
const BATCH_CONNECTIONS = 2;
const SINGLE_CONNECTIONS = 8;

/** The domains that this process runs, loaded. */
export interface OwnDomains {
  readonly loaded: readonly LoadedDomain[];
  readonly catalog: DomainCatalog;
  readonly published: readonly PublishedDomain[];
}

/** Loads the domains that this process runs, and nothing of the others. */
export async function loadOwnDomains(folder: string, wanted: Roles["domains"]): Promise<OwnDomains> {
  const loaded = await loadDomains(folder, wanted);
  const catalog = catalogOf(loaded.map(({ domain }) => domain));
  const published = loaded.map(({ domain: { name, projections } }) =>
    publishedDomain(name, catalog, Object.fromEntries(Object.entries(projections).map(([key, { on }]) => [key, on]))),
  );
  return { loaded, catalog, published };
}

/** Rebuilds a projection that this process keeps; returns how many events were applied. */
export type RebuildProjection = (projection: string) => Promise<number>;

/** How often it is looked whether a rebuild was asked for. */
const REBUILDS_EVERY_MS = 2_000;

/** The roles `domains` and `domain:<name>`: handlers and projections. */
export async function startDomains(parts: Parts, { loaded, catalog }: OwnDomains): Promise<RebuildProjection> {
  const projectors = new Map<string, Projector>();
  // Side by side: on Kafka each group has to join, and that is mostly waiting. All have ended before a failure is said, so
  // that nothing begins behind the back of whoever closes what was opened.
  const started = await Promise.allSettled(loaded.map(({ domain }) => startDomain(parts, domain, catalog, projectors)));
  for (const one of started) if (one.status === "rejected") throw one.reason;
  lookForRebuilds(parts, projectors);
  return async (projection) => {
    const projector = projectors.get(projection);
    if (projector === undefined) throw new Error(`this process keeps no projection "${projection}"`);
    return rebuild(parts.sql, projector, async () => {});
  };
}

/** Rebuilds that were asked for, of the projections that run here; on the embedded transport in the process that owns it. */
function lookForRebuilds(
  { sql, config, transport, log, closing }: Parts,
  projectors: ReadonlyMap<string, Projector>,
): void {
  if (projectors.size === 0) return;
  const duty = new Duty(
    "a rebuild could not be carried out and is tried again",
    REBUILDS_EVERY_MS,
    async () => (transport.ownerEpoch() === 0 ? undefined : carryOutRebuilds(sql, projectors, config.consumer)),
    (what, error) => log.error(what, { error }),
  );
  duty.start();
  closing.add(() => duty.stop());
}

async function startDomain(
  { config, sql, databaseUrl, pools, transport, control, store, log }: Parts,
  domain: LoadedDomain["domain"],
  catalog: DomainCatalog,
  projectors: Map<string, Projector>,
): Promise<void> {
  const url = await domainUrl(sql, databaseUrl, domain.name);
  const limits = { handlerMs: HANDLER_MS };
  const batches = pools.open(url, `${domain.name} batches`, BATCH_CONNECTIONS, limits);
  const singles = pools.open(url, domain.name, SINGLE_CONNECTIONS, limits);
  const own = store(domain.name);
  const { consumer } = config;
  const participant = new Participant({ domain, catalog, store: own, batches, singles, log, consumer });
  const subscription = participant.subscription();
  if (subscription.topics.length > 0) await control.add(await transport.subscribe(subscription));
  for (const [name, projection] of Object.entries(domain.projections)) {
    const projector = new Projector(`${domain.name}.${name}`, projection, { ...own, sql: singles }, consumer);
    projectors.set(projector.group, projector);
    await control.add(await transport.subscribe(projector.subscription()));
  }
}
