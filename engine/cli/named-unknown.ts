import * as v from "valibot";

import { exchange } from "./client.ts";

/** What a person named when asking for something. */
export interface Named {
  readonly group?: string | undefined;
  readonly definition?: string | undefined;
}

/** So many names that exist are told. */
const KNOWN_MAX = 20;

const Groups = v.object({ items: v.array(v.object({ group: v.string() })) });
const Definitions = v.object({ items: v.array(v.object({ name: v.string() })) });

/**
 * The sentence for an empty answer. Asked for by a name that does not exist nothing ever fits, and it looks as if all were
 * well: then it says so. Whoever may not read the names is told the sentence alone.
 */
export async function noneText(none: string, { group, definition }: Named): Promise<string> {
  const groups = group === undefined ? undefined : await names("/v1/consumer-groups", {}, Groups, (one) => one.group);
  if (group !== undefined && groups !== undefined && !groups.includes(group))
    return unknown(none, `consumer group "${group}"`, groups);
  const query = { sources: "false" };
  const definitions =
    definition === undefined ? undefined : await names("/v1/definitions", query, Definitions, (one) => one.name);
  if (definition !== undefined && definitions !== undefined && !definitions.includes(definition))
    return unknown(none, `definition "${definition}"`, definitions);
  return none;
}

async function names<T>(
  path: string,
  query: Readonly<Record<string, string>>,
  schema: v.GenericSchema<unknown, { items: T[] }>,
  nameOf: (item: T) => string,
): Promise<readonly string[] | undefined> {
  const { status, answer } = await exchange("GET", path, { query });
  const read = v.safeParse(schema, answer);
  return status < 300 && read.success ? read.output.items.map(nameOf) : undefined;
}

function unknown(none: string, what: string, known: readonly string[]): string {
  const more = known.length > KNOWN_MAX ? ", …" : "";
  return `${none.replace(/\.$/, "")}: there is no ${what}; known: ${known.slice(0, KNOWN_MAX).join(", ") || "none"}${more}.`;
}
