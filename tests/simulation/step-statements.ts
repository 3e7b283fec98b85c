import type { Json } from "../../engine/core/json.ts";
import type { StackEntry } from "../../engine/core/state.ts";
import { storedIn, type StoredRow } from "../core/stored-rows.ts";
import type { Meaning, Query } from "./driver.ts";
import { copy, type Transaction } from "./store.ts";
import type { StepRow, Tables } from "./tables.ts";

/** A row as the engine writes it: values in lists of one, null where one stays as it is. */
interface WrittenStep {
  readonly saga_id: string;
  readonly path: string;
  readonly status: string;
  readonly output?: readonly [Json] | null;
  readonly input: readonly [Json] | null;
  readonly result: readonly [Json] | null;
  readonly child: StoredRow["child"] | null;
  readonly stacked: number | null;
  readonly forgotten: true | null;
}

const NOTHING: readonly unknown[] = [];

/** MODEL: the engine's statements of the rows of steps. */
export function stepStatements(tables: Tables): Readonly<Record<string, Meaning>> {
  const keyOf = ({ saga_id, path }: WrittenStep) => `${saga_id}/${path}`;
  return {
    "insert into timeline.saga_step": {
      run: (transaction, [rows]) => {
        for (const row of rows as WrittenStep[]) {
          const before = tables.step.get(transaction, keyOf(row));
          const { saga_id: sagaId, path, status } = row;
          tables.step.put(transaction, keyOf(row), { ...before, sagaId, path, status, ...given(row) });
        }
        return NOTHING;
      },
    },
    "update timeline.saga_step s set input": {
      run: (transaction, [rows]) => {
        for (const row of rows as WrittenStep[]) {
          const before = tables.step.get(transaction, keyOf(row));
          if (before !== undefined) tables.step.put(transaction, keyOf(row), { ...before, ...given(row) });
        }
        return NOTHING;
      },
    },
    ...reads(tables),
  };
}

/** What a written row changes. */
function given({ output, input, result, child, stacked, forgotten }: WrittenStep): StoredRow {
  return copy({
    ...(output ? { output: output[0] } : {}),
    ...(input === null ? {} : { input: input[0] }),
    ...(result === null ? {} : { result: result[0] }),
    ...(child ? { child } : {}),
    ...(stacked === null ? {} : { stacked }),
    ...(forgotten === null ? {} : { forgotten }),
  });
}

/** The questions of `StoredSteps`, answered by the same model of the rows as in the tests of the core. */
function reads(tables: Tables): Readonly<Record<string, Meaning>> {
  const of = (transaction: Transaction, sagaId: unknown) => {
    const rows: Record<string, StepRow> = {};
    for (const row of tables.step.seen(transaction)) if (row.sagaId === sagaId) rows[row.path] = row;
    return storedIn(rows);
  };
  return {
    // What a refusal names.
    "and status = 'parked' order by path": {
      run: (transaction, [sagaId, most]) =>
        [...tables.step.seen(transaction)]
          .filter((row) => row.sagaId === sagaId && row.status === "parked")
          .map(({ path }) => ({ path }))
          .sort((left, right) => (left.path < right.path ? -1 : 1))
          .slice(0, most as number),
    },
    "and forgotten is not true": {
      run: (transaction, [_columns, sagaId, paths]) => {
        const values = of(transaction, sagaId).values(paths as string[]);
        return [...values].map(([path, { output, result }]) => ({
          path,
          output: listed(output),
          result: listed(result),
        }));
      },
    },
    "order by stacked desc limit": {
      run: (transaction, [_columns, sagaId, places, ...parts]) => {
        const [below = null, prefix = "/", except = []] = parts.slice(0, 3).map((part) => (part as Query).values[0]);
        const scope = (prefix as string).slice(0, -1);
        const limit = parts[3] as number;
        const isDeep = (places as Query).strings[0] === "stacked > 32";
        const query = {
          scope,
          below: below as number | null,
          except: except as string[],
          limit: Number.POSITIVE_INFINITY,
        };
        const entries = of(transaction, sagaId).stack(query);
        return entries
          .filter(({ place = 0 }) => place > 32 === isDeep)
          .slice(0, limit)
          .map(asRow);
      },
    },
    "and path = and stacked > 0": {
      run: (transaction, [_columns, sagaId, path]) => {
        const entry = of(transaction, sagaId).stackAt(path as string);
        return entry === undefined ? NOTHING : [asRow(entry)];
      },
    },
    "and child is not null order by stacked": {
      run: (transaction, [_columns, sagaId]) => of(transaction, sagaId).children().map(asRow),
    },
    "jsonb_path_query_array(input": {
      run: (transaction, [range, sagaId, path]) => {
        const { from, last } = range as { from: number; last: number };
        return [{ items: of(transaction, sagaId).items(path as string, from, last + 1) }];
      },
    },
    "split_part(i.inside": {
      run: (transaction, [_length, sagaId, begin, _end, rest]) => {
        const results = of(transaction, sagaId).results((begin as string).slice(0, -1), (rest as string).slice(2));
        return [...results].map(([item, output]) => ({ item, output: [output] }));
      },
    },
  };
}

function asRow({ path, input, place = 0, output, child }: StackEntry) {
  return copy({ path, input, child: child ?? null, stacked: place, output: null, result: listed(output) });
}

function listed(value: Json | undefined): readonly [Json] | null {
  return value === undefined ? null : [copy(value)];
}
