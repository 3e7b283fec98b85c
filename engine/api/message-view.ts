import type { InferOutput } from "valibot";

import { isJsonObject } from "../core/json.ts";
import { MASK } from "../core/mask.ts";
import type { Sql } from "../timeline/database.ts";
import type { ConsumptionRow, FailureRow } from "../timeline/read-consumptions.ts";
import type { MessageHistory, MessageRow } from "../timeline/read-messages.ts";
import { readRevisionsOf } from "../timeline/read-sensitive.ts";
import type { Masking } from "./masking.ts";
import type { Consumption, ConsumptionFailure, Message } from "./message-schema.ts";
import type { Engine } from "./port.ts";
import { hidingDefinitions, maskingOf, type Reader } from "./sensitive.ts";

type MessageView = InferOutput<typeof Message>;

/** Groups that start sagas by messages are named after their definition. */
const START_GROUP = "start.";
const ANSWER = /^(?:step\.(?:succeeded|rejected|failed)|compensation\.(?:succeeded|skipped|failed))$/;

/** Messages as the API shows them, sensitive values masked. */
export async function viewMessages(
  engine: Engine,
  sql: Sql,
  items: readonly MessageHistory[],
  reader: Reader,
): Promise<MessageView[]> {
  const messages = items.map((item) => item.message);
  const sagaIds = [...new Set(messages.flatMap((message) => message.correlation_id ?? []))];
  // Before the sagas are read: what is born in between is masked as one that is not.
  const unborn = await unbornChildren(sql, messages);
  const masking = await maskingOf(engine, sql, sagaIds, reader, messages);
  const named = [...items.flatMap(startedBy), ...unborn.values()];
  const hiding = await hidingDefinitions(engine, sql, [...new Set(named)], reader);
  return items.map((item) => {
    const { message_id: id, correlation_id: sagaId } = item.message;
    const shown = view(item, masking.of(sagaId));
    if (startedBy(item).some((definition) => hiding.has(definition))) return withheld(shown);
    // Its key and headers are the engine's own.
    const { key, headers } = shown;
    return hiding.has(unborn.get(id) ?? "") ? { ...withheld(shown), key, headers } : shown;
  });
}

/** Requests for children that are not born, or never will be, with their definitions: no saga says whose values they carry. */
async function unbornChildren(sql: Sql, messages: readonly MessageRow[]): Promise<ReadonlyMap<string, string>> {
  const requests = messages.filter((message) => message.message_type === "child.requested");
  if (requests.length === 0) return new Map();
  const sagas = await readRevisionsOf(
    sql,
    requests.flatMap((message) => message.correlation_id ?? []),
  );
  const born = new Set(sagas.map(({ id }) => id));
  return new Map(
    requests.flatMap(({ message_id: id, correlation_id: child, message_body: body }) => {
      const definition = isJsonObject(body) ? body["definition"] : undefined;
      return born.has(child ?? "") ? [] : [[id, String(definition ?? "")] as const];
    }),
  );
}

/** The definitions of which a message may have started a saga. */
function startedBy({ consumptions }: MessageHistory): readonly string[] {
  return consumptions.flatMap(({ consumer_group: group }) =>
    group.startsWith(START_GROUP) ? [group.slice(START_GROUP.length)] : [],
  );
}

/**
 * Whatever its producer wrote is hidden, and what was said of it: another program's message has no declared places, its
 * text may be written in more ways than one, and what became no saga has nothing to look for.
 */
function withheld(view: MessageView): MessageView {
  return {
    ...view,
    key: view.key === null ? null : MASK,
    headers: view.headers === null ? null : MASK,
    body: view.body === null ? null : MASK,
    consumptions: view.consumptions.map((row) => ({
      ...row,
      errorMessage: row.errorMessage === null ? null : MASK,
    })),
    failures: view.failures.map((row) => ({ ...row, message: MASK, stack: null })),
  };
}

function view({ message, consumptions, failures }: MessageHistory, masking: Masking): MessageView {
  return {
    messageId: message.message_id,
    sagaId: message.correlation_id,
    causationId: message.causation_id,
    topic: message.topic,
    key: message.message_key,
    type: message.message_type,
    saga: message.saga,
    stepKey: message.step_key,
    action: message.action,
    attempt: message.attempt,
    traceparent: message.traceparent,
    producer: message.producer,
    requestedAt: message.requested_at?.toISOString() ?? null,
    headers: masking.value(message.message_headers),
    body: masking.body(message),
    late: ANSWER.test(message.message_type ?? "") && consumptions.some(movedNothing),
    consumptions: consumptions.map((row) => viewConsumption(row, message, masking)),
    failures: failures.map((row) => viewFailure(row, message, masking)),
  };
}

/** The dispatcher is done with it, and no transition came of it. */
function movedNothing(row: ConsumptionRow): boolean {
  return row.consumer_group === "dispatcher" && row.consumed_at !== null && !row.error_flag && row.sequence === null;
}

function viewConsumption(row: ConsumptionRow, message: MessageRow, masking: Masking): InferOutput<typeof Consumption> {
  return {
    group: row.consumer_group,
    partition: row.partition,
    offset: row.offset,
    consumer: row.consumer,
    recordedAt: row.recorded_at?.toISOString() ?? null,
    receivedAt: row.received_at?.toISOString() ?? null,
    startedAt: row.started_at.toISOString(),
    consumedAt: row.consumed_at?.toISOString() ?? null,
    attempts: row.attempts,
    error: row.error_flag,
    errorCode: row.error_code,
    errorMessage: masking.saidOf(message, row.error_message),
    sequence: row.sequence,
    foreignId: row.foreign_id,
  };
}

function viewFailure(row: FailureRow, message: MessageRow, masking: Masking): InferOutput<typeof ConsumptionFailure> {
  return {
    group: row.consumer_group,
    attempt: row.attempt,
    partition: row.partition,
    offset: row.offset,
    consumer: row.consumer,
    failedAt: row.failed_at.toISOString(),
    code: row.code,
    message: masking.saidOf(message, row.message),
    stack: masking.stackOf(message, row.stack),
  };
}
