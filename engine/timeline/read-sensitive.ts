import type { Json } from "../core/json.ts";
import type { Sql } from "./database.ts";

/** What of a saga may hold sensitive values. */
export interface SensitiveRow {
  readonly id: string;
  readonly definition: string;
  readonly revision: string;
}

/** Definition and revision of some sagas. */
export function readRevisionsOf(sql: Sql, sagaIds: readonly string[]): Promise<readonly SensitiveRow[]> {
  return sql<SensitiveRow[]>`select id, definition, revision from timeline.saga where id = any(${[...sagaIds]})`;
}

/** Inputs of some sagas. */
export function readInputs(
  sql: Sql,
  sagaIds: readonly string[],
): Promise<readonly { readonly id: string; readonly input: Json }[]> {
  return sql<{ id: string; input: Json }[]>`select id, input from timeline.saga where id = any(${[...sagaIds]})`;
}

/** Keys of the steps of some sagas of which a person has edited a command: retries carry what was written then. */
export function readEditedSteps(
  sql: Sql,
  sagaIds: readonly string[],
): Promise<readonly { readonly saga_id: string; readonly step_key: string }[]> {
  return sql<{ saga_id: string; step_key: string }[]>`
    select distinct correlation_id as saga_id, step_key from timeline.event_request
    where correlation_id = any(${[...sagaIds]}) and step_key is not null and message_headers ? 'supersedes'
  `;
}

/** Outputs of the steps of some sagas. */
export function readOutputs(
  sql: Sql,
  sagaIds: readonly string[],
): Promise<readonly { readonly saga_id: string; readonly path: string; readonly output: Json }[]> {
  return sql<{ saga_id: string; path: string; output: Json }[]>`
    select saga_id, path, output from timeline.saga_step where saga_id = any(${[...sagaIds]}) and output is not null
  `;
}
