import type { ActionDescription, DomainCatalog, ValueSchema } from "./domain.ts";
import type { Json } from "./json.ts";
import { schemaProblems } from "./json-schema.ts";

/** A domain as data: what the process that runs it tells the others, which load none of its files. */
export interface PublishedDomain {
  readonly name: string;
  readonly actions: Readonly<Record<string, PublishedAction>>;
  readonly projections: readonly string[];
  /** Event types that each projection wants; absent: published by an engine that did not say. */
  readonly projectionEvents?: Readonly<Record<string, readonly string[]>>;
}

export interface PublishedAction {
  readonly external: boolean;
  readonly handled: boolean;
  /** JSON schemas, draft 2020-12. */
  readonly input: Json;
  readonly output?: Json;
}

/** What of a catalog one domain publishes. */
export function publishedDomain(
  name: string,
  catalog: DomainCatalog,
  projectionEvents: Readonly<Record<string, readonly string[]>>,
): PublishedDomain {
  const own = [...catalog.actions.values()].filter(({ domain }) => domain === name);
  const actions = own.map(({ action, external, handled, input, output }) => {
    const schemas = { input: input.jsonSchema, ...(output === undefined ? {} : { output: output.jsonSchema }) };
    return [action, { external, handled, ...schemas }] as const;
  });
  return {
    name,
    actions: Object.fromEntries(actions),
    projections: Object.keys(projectionEvents),
    projectionEvents,
  };
}

/** The catalog of domains that run elsewhere: their schemas parse as far as JSON Schema says it. */
export function catalogOfPublished(domains: Iterable<PublishedDomain>): DomainCatalog {
  const actions = new Map<string, ActionDescription>();
  for (const { name: domain, actions: own } of domains) {
    for (const [action, { external, handled, input, output }] of Object.entries(own)) {
      const schemas = { input: valueSchema(input), ...(output === undefined ? {} : { output: valueSchema(output) }) };
      actions.set(`${domain}.${action}`, { domain, action, external, handled, ...schemas });
    }
  }
  return { actions };
}

function valueSchema(jsonSchema: Json): ValueSchema {
  return {
    jsonSchema,
    parse: (value) => {
      const problems = schemaProblems(jsonSchema, value);
      return problems.length > 0 ? { ok: false, problems } : { ok: true, value: value as Json };
    },
  };
}

/**
 * Every consumer group of these domains, and the dispatcher's, with its topics. Of a domain that has no handler of ours
 * they are all of its actions': another program runs it.
 */
export function groupTopics(domains: Iterable<PublishedDomain>): Map<string, readonly string[]> {
  const topics = new Map<string, readonly string[]>([["dispatcher", ["timeline"]]]);
  for (const { name, actions, projections } of domains) {
    const all = Object.keys(actions);
    const handled = all.filter((action) => actions[action]?.handled);
    topics.set(
      name,
      (handled.length > 0 ? handled : all).map((action) => `${name}.${action}`),
    );
    for (const projection of projections) topics.set(`${name}.${projection}`, ["timeline"]);
  }
  return topics;
}

/**
 * By domain the topics that no member of its group reads: another program handles these actions, beside handlers of ours.
 * It claims under the domain's group, and reads in a group of its own.
 */
export function elsewhereTopics(domains: Iterable<PublishedDomain>): Map<string, readonly string[]> {
  const topics = new Map<string, readonly string[]>();
  for (const { name, actions } of domains) {
    const [ours, others] = [true, false].map((handled) =>
      Object.keys(actions).filter((action) => actions[action]?.handled === handled),
    ) as [string[], string[]];
    if (ours.length === 0 || others.length === 0) continue;
    topics.set(
      name,
      others.map((action) => `${name}.${action}`),
    );
  }
  return topics;
}

/** The group in which the program that handles such a topic should read it. No group of the engine has two dots. */
export function programGroup(topic: string): string {
  return `${topic}.program`;
}
