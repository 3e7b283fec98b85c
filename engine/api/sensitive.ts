import type { Grant } from "../core/grant.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import type { MessageRow } from "../timeline/read-messages.ts";
import {
  type DeclaringRow,
  type FailedChildRow,
  readDeclaring,
  readEditedSteps,
  readFailedChildren,
  readInputs,
  readOutputs,
  readRevisionsOf,
  type SensitiveRow,
} from "../timeline/read-sensitive.ts";
import { Masking } from "./masking.ts";
import type { Engine } from "./port.ts";

const NOTHING_SENSITIVE = new Masking([]);
const ALL_HIDDEN = new Masking([], false);

/** For whom it is shown. */
export type Reader = Pick<Grant, "payloads">;

/** What to mask for each of some sagas. */
class MaskingBySaga {
  readonly #found: ReadonlyMap<string, Masking>;
  readonly #others: Masking;

  constructor(found: ReadonlyMap<string, Masking>, { payloads }: Reader) {
    this.#found = found;
    this.#others = payloads ? NOTHING_SENSITIVE : ALL_HIDDEN;
  }

  of(sagaId: string | null): Masking {
    return this.#found.get(sagaId ?? "") ?? this.#others;
  }
}

/** Whether anything of a saga is hidden from a reader. */
export async function isHiding(engine: Engine, saga: SensitiveRow, { payloads }: Reader): Promise<boolean> {
  return !payloads || (await sensitivePaths(engine, saga)).length > 0;
}

/** Reads what is sensitive in some sagas; costs one look-up when nothing is, two when they may have children. */
export async function maskingOf(
  engine: Engine,
  sql: Sql,
  sagaIds: readonly string[],
  reader: Reader,
  messages: readonly MessageRow[] = [],
): Promise<MaskingBySaga> {
  return maskingOfSagas(engine, sql, await readRevisionsOf(sql, sagaIds), reader, messages);
}

/** The same for sagas that were read already: where nothing is sensitive, failed children are looked up, if there may be any. */
export async function maskingOfSagas(
  engine: Engine,
  sql: Sql,
  sagas: readonly SensitiveRow[],
  reader: Reader,
  messages: readonly MessageRow[] = [],
): Promise<MaskingBySaga> {
  const children = await failedChildren(engine, sql, sagas);
  const found = new Map<string, Masking>();
  for (const saga of [...sagas, ...children]) {
    const paths = await sensitivePaths(engine, saga);
    if (paths.length > 0 || !reader.payloads) found.set(saga.id, new Masking(paths, reader.payloads));
  }
  if (found.size === 0) return new MaskingBySaga(found, reader);
  const ids = [...found.keys()];
  const [edited, inputs, outputs] = await Promise.all([
    readEditedSteps(sql, ids),
    readInputs(sql, ids),
    readOutputs(sql, ids),
  ]);
  for (const row of edited) found.get(row.saga_id)?.learnEdited(row.step_key);
  for (const { saga_id: id, step_key: key, ...row } of edited) {
    for (const said of [row.said, row.saga_said]) found.get(id)?.learnSaid(said ?? "", key);
  }
  for (const row of inputs) found.get(row.id)?.learnInput(row.input);
  for (const row of outputs) found.get(row.saga_id)?.learnOutput(row.path, row.output);
  for (const message of messages) found.get(message.correlation_id ?? "")?.learnMessage(message);
  tellParents(found, children);
  return new MaskingBySaga(found, reader);
}

/** Children first: what a child says of its own child's failure is masked by both before its parent hears of it. */
function tellParents(found: Map<string, Masking>, children: readonly FailedChildRow[]): void {
  for (const { id, parent_id: parentId, message, step } of children) {
    const shown = found.get(id)?.retold(message, step === null ? null : `${id}/${step}`) ?? message;
    if (shown === message) continue;
    const parent = found.get(parentId) ?? new Masking([]);
    parent.learnQuoted(message, shown);
    found.set(parentId, parent);
  }
}

async function failedChildren(
  engine: Engine,
  sql: Sql,
  sagas: readonly SensitiveRow[],
): Promise<readonly FailedChildRow[]> {
  const parents: string[] = [];
  for (const saga of sagas) if (await mayHaveChildren(engine, saga)) parents.push(saga.id);
  return parents.length === 0 ? [] : readFailedChildren(sql, parents);
}

/** True also for a revision that cannot be read. */
export async function mayHaveChildren(engine: Engine, { definition, revision }: SensitiveRow): Promise<boolean> {
  try {
    return await engine.hasChildren(definition, revision);
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
}

/**
 * Those of some definitions of which nothing is shown that is in no saga: any revision of them declares something sensitive,
 * or none of them is known. What a message says that is to start a saga stands in no place that a definition names.
 */
export async function hidingDefinitions(
  engine: Engine,
  sql: Sql,
  names: readonly string[],
  { payloads }: Reader,
): Promise<ReadonlySet<string>> {
  if (!payloads || names.length === 0) return new Set(names);
  const hiding = new Set<string>();
  for (const row of await readDeclaring(sql, names)) if (await declares(engine, row)) hiding.add(row.name);
  return hiding;
}

async function declares(engine: Engine, { name, known, revisions }: DeclaringRow): Promise<boolean> {
  if (!known) return true;
  for (const revision of revisions) {
    if ((await sensitivePaths(engine, { definition: name, revision })).length > 0) return true;
  }
  return false;
}

async function sensitivePaths(engine: Engine, saga: Omit<SensitiveRow, "id">): Promise<readonly string[]> {
  try {
    return await engine.sensitive(saga.definition, saga.revision);
  } catch (error) {
    // A revision that nobody can read any more: rather hide all of it than show one name.
    if (error instanceof Refusal) return ["input", "steps"];
    throw error;
  }
}
