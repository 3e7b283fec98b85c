import type { Json } from "../core/json.ts";
import type { ChildEntry, StackEntry } from "../core/state.ts";
import type { StackQuery, Stored, StoredValue } from "../core/stored.ts";
import type { Tx } from "./database.ts";
import type { Fragment } from "./error-groups.ts";

/** Outputs that stay in the state: the steps of most sagas, whose transitions then read nothing more. */
export const OUTPUTS_MAX = 8;

/** Thrown where `decide` reads what was not fetched: fetch it, and decide again. */
export class StoredNeeded extends Error {
  readonly fetch: () => Promise<void>;

  constructor(what: string, fetch: () => Promise<void>) {
    super(`${what} must be fetched`);
    this.fetch = fetch;
  }
}

/** What one transition of a saga reads of the rows of its steps. Each question is asked once. */
export class StoredSteps implements Stored {
  readonly outputsMax = OUTPUTS_MAX;
  readonly #tx: Tx;
  readonly #sagaId: string;
  readonly #answers = new Map<string, unknown>();

  constructor(tx: Tx, sagaId: string) {
    this.#tx = tx;
    this.#sagaId = sagaId;
  }

  values(paths: readonly string[]): ReadonlyMap<string, StoredValue> {
    return this.#known(`values ${paths.join(" ")}`, () => readValues(this.#tx, this.#sagaId, paths));
  }

  stack(query: StackQuery): readonly StackEntry[] {
    return this.#known(`stack ${JSON.stringify(query)}`, () => readStack(this.#tx, this.#sagaId, query));
  }

  stackAt(path: string): StackEntry | undefined {
    return this.#known(`entry ${path}`, () => readEntry(this.#tx, this.#sagaId, path));
  }

  children(): readonly StackEntry[] {
    return this.#known("children", () => readChildren(this.#tx, this.#sagaId));
  }

  items(path: string, from: number, to: number): readonly Json[] {
    return this.#known(`items ${path} ${from} ${to}`, () => readItems(this.#tx, this.#sagaId, path, from, to));
  }

  results(path: string, last: string): ReadonlyMap<number, Json> {
    return this.#known(`results ${path} ${last}`, () => readResults(this.#tx, this.#sagaId, path, last));
  }

  #known<T>(what: string, read: () => Promise<T>): T {
    if (this.#answers.has(what)) return this.#answers.get(what) as T;
    throw new StoredNeeded(what, async () => {
      this.#answers.set(what, await read());
    });
  }
}

/** Values in lists of one, or null where there is none: a value may itself be null. */
interface ValueRow {
  readonly path: string;
  readonly output: readonly [Json] | null;
  readonly result: readonly [Json] | null;
}

interface EntryRow extends ValueRow {
  readonly input: Json;
  readonly child: ChildEntry | null;
  readonly stacked: number;
}

async function readValues(tx: Tx, sagaId: string, paths: readonly string[]): Promise<ReadonlyMap<string, StoredValue>> {
  const rows = await tx<ValueRow[]>`
    select path, ${valueColumns(tx)} from timeline.saga_step
    where saga_id = ${sagaId} and path = any (${tx.array([...paths])}::text[]) and forgotten is not true
  `;
  return new Map(rows.map((row) => [row.path, storedValue(row)]));
}

function storedValue({ output, result }: ValueRow): StoredValue {
  return { ...(output === null ? {} : { output: output[0] }), ...(result === null ? {} : { result: result[0] }) };
}

function valueColumns(tx: Tx) {
  return tx`
    case when output is not null then jsonb_build_array(output) end as output,
    case when result is not null then jsonb_build_array(result) end as result
  `;
}

/** Places up to this one stand in no index: most sagas have no others, and the primary key finds the few rows of those. */
const SHALLOW = 32;

/** The highest places first. What is undone above them reads the index, however many rows the saga has. */
async function readStack(tx: Tx, sagaId: string, query: StackQuery): Promise<readonly StackEntry[]> {
  const { below, limit } = query;
  const deep = below !== null && below <= SHALLOW + 1 ? [] : await readPlaces(tx, sagaId, query, tx`stacked > 32`);
  if (deep.length === limit) return deep;
  const rest = { ...query, limit: limit - deep.length };
  return [...deep, ...(await readPlaces(tx, sagaId, rest, tx`stacked between 1 and 32`))];
}

/** `places`: a condition as the index has it, where a parameter would hide that. */
async function readPlaces(tx: Tx, sagaId: string, query: StackQuery, places: Fragment): Promise<StackEntry[]> {
  const { scope, except, below, limit } = query;
  const rows = await tx<EntryRow[]>`
    select ${entryColumns(tx)} from timeline.saga_step s
    where saga_id = ${sagaId} and ${places}
      ${below === null ? tx`` : tx`and stacked < ${below}`}
      ${scope === "" ? tx`` : tx`and (starts_with(path, ${`${scope}/`}) or starts_with(path, ${`${scope}[`}))`}
      ${
        except.length === 0
          ? tx``
          : tx`and not exists (
              select from unnest(${tx.array([...except])}::text[]) e (scope)
              where starts_with(s.path, e.scope || '/') or starts_with(s.path, e.scope || '['))`
      }
    order by stacked desc limit ${limit}
  `;
  return rows.map(entryOf);
}

async function readEntry(tx: Tx, sagaId: string, path: string): Promise<StackEntry | undefined> {
  const [row] = await tx<EntryRow[]>`
    select ${entryColumns(tx)} from timeline.saga_step where saga_id = ${sagaId} and path = ${path} and stacked > 0
  `;
  return row && entryOf(row);
}

async function readChildren(tx: Tx, sagaId: string): Promise<readonly StackEntry[]> {
  const rows = await tx<EntryRow[]>`
    select ${entryColumns(tx)} from timeline.saga_step
    where saga_id = ${sagaId} and stacked > 0 and child is not null order by stacked
  `;
  return rows.map(entryOf);
}

function entryColumns(tx: Tx) {
  return tx`path, input, child, stacked, ${valueColumns(tx)}`;
}

function entryOf({ path, input, child, stacked, output, result }: EntryRow): StackEntry {
  const known = result ?? output;
  return {
    path,
    input,
    place: stacked,
    ...(known === null ? {} : { output: known[0] }),
    ...(child === null ? {} : { child }),
  };
}

async function readItems(tx: Tx, sagaId: string, path: string, from: number, to: number): Promise<readonly Json[]> {
  const [row] = await tx<{ items: readonly Json[] | null }[]>`
    select jsonb_path_query_array(input, '$[$from to $last]', ${tx.json({ from, last: to - 1 })}) as items
    from timeline.saga_step where saga_id = ${sagaId} and path = ${path}
  `;
  return row?.items ?? [];
}

/** Paths `<path>[n]/<last>`: the index knows where they begin and end, the rest is told by their form. */
async function readResults(tx: Tx, sagaId: string, path: string, last: string): Promise<ReadonlyMap<number, Json>> {
  const rows = await tx<{ item: number; output: readonly [Json] }[]>`
    select split_part(i.inside, ']', 1)::integer as item, jsonb_build_array(s.output) as output
    from timeline.saga_step s cross join lateral (select substr(s.path, ${path.length + 2}::integer) as inside) i
    where s.saga_id = ${sagaId} and s.path >= ${`${path}[`} and s.path < ${`${path}\\`} and s.output is not null
      and substr(i.inside, strpos(i.inside, ']')) = ${`]/${last}`}
  `;
  return new Map(rows.map(({ item, output }) => [item, output[0]]));
}
