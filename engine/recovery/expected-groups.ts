import { elsewhereTopics, groupTopics, type PublishedDomain, programGroup } from "../core/published-domain.ts";
import type { Sql, Tx } from "../timeline/database.ts";

/** A group that must consume every request of a topic; a projection only those of its event types. */
export interface ExpectedGroup {
  readonly consumer_group: string;
  readonly topic: string;
  readonly types: readonly string[] | null;
  /** The group whose offsets tell how far the topic is read: another one where another program reads it. */
  readonly reader: string;
}

/**
 * Who must consume what. Of a topic that no domain has nobody is expected, nor is a projection of which it is not known
 * which events it wants.
 */
export function expectedGroups(domains: Iterable<PublishedDomain>): readonly ExpectedGroup[] {
  const all = [...domains];
  const types = new Map<string, readonly string[]>(
    all.flatMap(({ name, projectionEvents = {} }) =>
      Object.entries(projectionEvents).map(([projection, events]) => [`${name}.${projection}`, events] as const),
    ),
  );
  const expected: ExpectedGroup[] = [];
  for (const [group, topics] of groupTopics(all)) {
    const isProjection = group.includes(".");
    if (isProjection && !types.has(group)) continue;
    for (const topic of topics)
      expected.push({ consumer_group: group, topic, types: types.get(group) ?? null, reader: group });
  }
  for (const [group, topics] of elsewhereTopics(all)) {
    for (const topic of topics)
      expected.push({ consumer_group: group, topic, types: null, reader: programGroup(topic) });
  }
  return expected;
}

/** The same by what the domains' processes have published, for who runs none of them. */
export async function publishedExpectedGroups(sql: Sql | Tx): Promise<readonly ExpectedGroup[]> {
  const rows = await sql<{ domain: string; catalog: Omit<PublishedDomain, "name"> }[]>`
    select domain, catalog from timeline.domain_catalog order by domain
  `;
  return expectedGroups(rows.map(({ domain, catalog }) => ({ name: domain, ...catalog })));
}
