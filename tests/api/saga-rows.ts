import { ulid } from "ulid";

import type { Json, JsonObject } from "../../engine/core/json.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { newId } from "../../engine/timeline/ids.ts";

export const REVISION = "a".repeat(64);

/** A saga row as the dispatcher would leave it; open ones also in the side table. Returns its id. */
export async function insertSaga(
  sql: Sql,
  saga: {
    readonly status?: string;
    readonly definition?: string;
    readonly key?: string;
    readonly labels?: JsonObject;
    readonly input?: JsonObject;
    readonly output?: JsonObject;
    readonly error?: JsonObject;
    readonly state?: JsonObject;
    readonly startedAt?: string;
    readonly parent?: { readonly sagaId: string; readonly step: string };
  } = {},
): Promise<string> {
  const { status = "running", definition = "onboarding", key = null, labels = {}, input = {} } = saga;
  // As in life, the front of the id is the time of the start.
  const id = saga.startedAt === undefined ? newId() : ulid(Date.parse(saga.startedAt));
  await sql`
    insert into timeline.saga (id, definition, version, revision, status, key, labels, input, output, error, state, started_at,
      parent_id, parent_path)
    values (${id}, ${definition}, 1, ${REVISION}, ${status}, ${key}, ${sql.json(labels)}, ${sql.json(input)},
      ${saga.output === undefined ? null : sql.json(saga.output)}, ${saga.error === undefined ? null : sql.json(saga.error)},
      ${saga.state === undefined ? null : sql.json(saga.state)}, ${saga.startedAt ?? new Date().toISOString()},
      ${saga.parent?.sagaId ?? null}, ${saga.parent?.step ?? null})
  `;
  if (["running", "compensating", "parked"].includes(status)) {
    await sql`insert into timeline.saga_open (saga_id, definition, key, status) values (${id}, ${definition}, ${key}, ${status})`;
  }
  return id;
}

/** A request of a saga. Returns its id. */
export async function insertMessage(
  sql: Sql,
  message: {
    readonly sagaId: string;
    readonly type: string;
    readonly topic?: string;
    readonly step?: string;
    readonly headers?: JsonObject;
    readonly body?: JsonObject;
    readonly requestedAt?: string;
    readonly id?: string;
    readonly cause?: string;
  },
): Promise<string> {
  const { sagaId, type, topic = "timeline", step, headers, body = {}, requestedAt, id = newId(), cause } = message;
  await sql`insert into timeline.topic (name) values (${topic}) on conflict do nothing`;
  await sql`
    insert into timeline.event_request (message_id, correlation_id, causation_id, topic, message_key, message_type, saga,
      step_key, message_headers, message_body, producer, requested_at)
    values (${id}, ${sagaId}, ${cause ?? null}, ${topic}, ${sagaId}, ${type}, 'onboarding', ${step === undefined ? null : `${sagaId}/${step}`},
      ${headers === undefined ? null : sql.json(headers)}, ${sql.json(body)}, 'test@here', ${requestedAt ?? new Date().toISOString()}::text::timestamptz)
  `;
  return id;
}

/** A consumption of a message, failed when `error` says why. */
export async function insertConsumption(
  sql: Sql,
  consumption: {
    readonly group: string;
    readonly messageId: string;
    readonly topic?: string;
    readonly sagaId?: string;
    readonly sequence?: number;
    readonly error?: string;
    readonly foreignId?: string;
    readonly body?: Json;
  },
): Promise<void> {
  const {
    group,
    messageId,
    topic = "timeline",
    sagaId = null,
    sequence = null,
    error = null,
    foreignId = null,
  } = consumption;
  await sql`
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, foreign_id, topic, partition, "offset",
      consumer, consumed_at, error_flag, error_code, error_message, sequence, message_body)
    values (${group}, ${messageId}, ${sagaId}, ${foreignId}, ${topic}, 0, 7, 'here:1', now(), ${error !== null},
      ${error === null ? null : "failed"}, ${error}, ${sequence}, ${consumption.body === undefined ? null : sql.json(consumption.body)})
  `;
  if (error === null) return;
  await sql`
    insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer,
      code, message, stack)
    values (${group}, ${messageId}, 1, ${topic}, 0, 7, 'here:1', 'failed', ${error}, ${`Error: ${error}`})
  `;
}
