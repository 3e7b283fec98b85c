import type { Grant } from "../core/grant.ts";
import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import type { MessageRow } from "../timeline/read-messages.ts";
import {
  type DeclaringRow,
  readDeclaring,
  readEditedSteps,
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

/** Reads what is sensitive in some sagas; costs one look-up when nothing is. */
export async function maskingOf(
  engine: Engine,
  sql: Sql,
  sagaIds: readonly string[],
  reader: Reader,
  messages: readonly MessageRow[] = [],
): Promise<MaskingBySaga> {
  return maskingOfSagas(engine, sql, await readRevisionsOf(sql, sagaIds), reader, messages);
}

/** The same for sagas that were read already: nothing is looked up when nothing is sensitive. */
export async function maskingOfSagas(
  engine: Engine,
  sql: Sql,
  sagas: readonly SensitiveRow[],
  reader: Reader,
  messages: readonly MessageRow[] = [],
): Promise<MaskingBySaga> {
  const found = new Map<string, Masking>();
  for (const saga of sagas) {
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
  for (const row of inputs) found.get(row.id)?.learnInput(row.input);
  for (const row of outputs) found.get(row.saga_id)?.learnOutput(row.path, row.output);
  for (const message of messages) found.get(message.correlation_id ?? "")?.learnMessage(message);
  return new MaskingBySaga(found, reader);
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
