import type { DomainCatalog, Problem } from "../core/domain.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { MASK } from "../core/mask.ts";
import { pathIn } from "../core/path.ts";
import { Refusal } from "../core/refusal.ts";
import { pointerTo } from "../core/shape.ts";
import { BODY_MAX, storedBytes } from "../core/size.ts";
import type { Sql, Tx } from "../timeline/database.ts";
import { claimKey, keepAnswer } from "../timeline/idempotency.ts";
import { newId } from "../timeline/ids.ts";
import { type MessageRow, readMessages } from "../timeline/read-messages.ts";
import type { SagaRow } from "../timeline/saga-row.ts";
import type { Unit } from "../timeline/store.ts";
import type { Asker, Recorder } from "./recorder.ts";

import { dispatcherPaused } from "./timers.ts";

/** A command or a compensation that may be edited. */
interface Editable {
  readonly message: MessageRow;
  readonly sagaId: string;
  readonly stepKey: string;
  readonly path: string;
  readonly group: string;
  readonly compensation: boolean;
}

interface Edited {
  readonly messageId: string;
  /** The new message. */
  readonly supersededBy: string;
}

/** A body that would be taken. */
interface Previewed {
  readonly action: string;
  /** False: no process has told of the action, so that only its handler can say whether the input fits. */
  readonly schemaKnown: boolean;
}

/**
 * Replaces a message by one with an edited body. The saga itself sends the new one, as its step's next attempt, so that
 * retries, the compensation and the timeline know the edited input too; every command that it replaces is closed in the
 * same transaction, under the step's lock.
 */
export class Edits {
  readonly #sql: Sql;
  readonly #recorder: Recorder;
  readonly #catalog: () => DomainCatalog;
  readonly #consumer: string;

  constructor(sql: Sql, recorder: Recorder, catalog: () => DomainCatalog, consumer: string) {
    this.#sql = sql;
    this.#recorder = recorder;
    this.#catalog = catalog;
    this.#consumer = consumer;
  }

  /** @throws Refusal `message.unknown`, `message.not-editable`, `message.edit-invalid`, `saga.*` */
  async edit(messageId: string, body: Json, reason: string, asker: Asker): Promise<Edited> {
    const editable = await this.#find(messageId);
    const input = this.#inputOf(editable, body);
    const scope = `edit/${messageId}`;
    const requestId = await this.#recorder.under(editable.sagaId, async (unit, saga) => {
      const key = asker.idempotencyKey;
      const earlier = key === undefined ? null : await claimKey(unit.tx, scope, key, { body, reason }, editable.sagaId);
      if (earlier !== null) return earlier.response as string;
      const id = await this.#replace(unit, saga, editable, input, reason, asker);
      if (key !== undefined) await keepAnswer(unit.tx, scope, key, editable.sagaId, id, id);
      return id;
    });
    return { messageId, supersededBy: await this.#causedBy(editable, requestId) };
  }

  /**
   * Checks the body as `edit` does and changes nothing. Whether the message may still be replaced is found out under its
   * step's lock, and so by `edit` alone. @throws Refusal `message.unknown`, `message.not-editable`, `message.edit-invalid`
   */
  async preview(messageId: string, body: Json): Promise<Previewed> {
    const editable = await this.#find(messageId);
    this.#inputOf(editable, body);
    const action = actionOf(editable.message);
    return { action, schemaKnown: this.#catalog().actions.has(action) };
  }

  async #find(messageId: string): Promise<Editable> {
    const [found] = await readMessages(this.#sql, [messageId]);
    const message = found?.message;
    if (message === undefined || message.requested_at === null) {
      throw new Refusal(
        "message.unknown",
        `there is no message ${messageId} in the event store`,
        "A foreign message is not ours to send again.",
      );
    }
    const { correlation_id: sagaId, step_key: stepKey, message_type: type } = message;
    const path = sagaId === null || stepKey === null ? null : pathIn(sagaId, stepKey);
    const isCommand = type === "step.requested" || type === "compensation.requested";
    const headers = message.message_headers;
    const notify = isJsonObject(headers) && headers["notify"] === true;
    if (sagaId === null || stepKey === null || path === null || !isCommand || notify)
      throw notEditable(messageId, `it is a ${notify ? "notification" : type}, no command whose answer is awaited`);
    const group = message.topic.slice(0, message.topic.indexOf("."));
    return { message, sagaId, stepKey, path, group, compensation: type === "compensation.requested" };
  }

  /** @throws Refusal `message.edit-invalid` */
  #inputOf({ message }: Editable, body: Json): Json {
    const before = message.message_body as JsonObject;
    if (!isJsonObject(body) || body["input"] === undefined)
      throw invalid(message, [{ path: "/body", message: "must be an object with the field input" }]);
    const fixed = Object.keys(body).filter(
      (field) => field !== "input" && JSON.stringify(body[field]) !== JSON.stringify(before[field]),
    );
    if (fixed.length > 0)
      throw invalid(
        message,
        fixed.map((field) => ({ path: pointerTo("/body", field), message: "cannot be edited: leave it away" })),
      );
    const { input } = body;
    if (storedBytes({ ...before, input }) > BODY_MAX)
      throw new Refusal(
        "message.too-large",
        `the edited message would be larger than ${BODY_MAX / 1024} KiB`,
        "Keep large content elsewhere and send its address.",
      );
    const masked = maskedPlaces(input, before["input"] ?? null, "/body/input");
    if (masked.length > 0) throw invalid(message, masked);
    const parsed = this.#catalog().actions.get(actionOf(message))?.input.parse(input);
    if (parsed !== undefined && !parsed.ok)
      throw invalid(
        message,
        parsed.problems.map((problem) => ({ ...problem, path: `/body/input${problem.path}` })),
      );
    return input;
  }

  async #replace(unit: Unit, saga: SagaRow, editable: Editable, input: Json, reason: string, asker: Asker) {
    const { message, path, compensation } = editable;
    const { message_id: supersedes } = message;
    await refuseRunning(unit.tx, editable);
    if (saga.unapplied > 0 || (await dispatcherPaused(unit.tx)))
      throw notEditable(supersedes, "its saga takes no transition now: the dispatcher is paused or behind");
    const asking = { traceparent: asker.traceparent ?? null, causationId: supersedes };
    const body = { path, compensation, input, supersedes };
    const recorded = await this.#recorder.record(unit, saga, "edit.requested", body, asking);
    if (recorded.effect !== "transition")
      throw notEditable(supersedes, `saga ${saga.id} does not wait for ${path}, or has given it up`);
    await this.#supersede(unit.tx, editable);
    // No bodies: both messages keep theirs, where what is sensitive is masked.
    await unit.tx`
      insert into timeline.audit (id, actor, action, target, reason, before, after)
      values (${newId()}, ${asker.actor}, 'message.edit', ${supersedes}, ${reason},
        ${unit.tx.json({ sagaId: saga.id, messageId: supersedes })},
        ${unit.tx.json({ sagaId: saga.id, messageId: recorded.messageId })})
    `;
    return recorded.messageId;
  }

  /**
   * Closes every command of the step that was sent before, delivered or not: a claim finds a row that says done. All
   * attempts of it, for each would run with what it was sent.
   */
  async #supersede(tx: Tx, { sagaId, stepKey, message, group }: Editable): Promise<void> {
    const code = "message.superseded";
    await tx`
      insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, consumer,
        consumed_at, error_code)
      select ${group}, r.message_id, r.correlation_id, r.topic, r.message_key, ${this.#consumer}, clock_timestamp(),
        ${code}
      from timeline.event_request r
      where r.correlation_id = ${sagaId} and r.step_key = ${stepKey} and r.message_type = ${message.message_type}
      on conflict (consumer_group, message_id) do update set error_flag = false, error_code = excluded.error_code,
        consumed_at = excluded.consumed_at
        where c.error_flag or c.consumed_at is null
    `;
  }

  async #causedBy({ sagaId, stepKey }: Editable, requestId: string): Promise<string> {
    const [row] = await this.#sql<{ message_id: string }[]>`
      select message_id from timeline.event_request
      where correlation_id = ${sagaId} and causation_id = ${requestId} and step_key = ${stepKey}
    `;
    return row?.message_id ?? requestId;
  }
}

/** `domain.action`, by which the catalog knows it. */
function actionOf({ topic, action }: MessageRow): string {
  return `${topic.slice(0, topic.indexOf("."))}.${action}`;
}

/** Under the step's lock nobody runs it, and nobody begins before this transaction has ended. @throws Refusal */
async function refuseRunning(tx: Tx, { sagaId, stepKey, message, group, compensation }: Editable): Promise<void> {
  const [lock] = await tx<{ free: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtextextended(${stepKey}, 2)) as free
  `;
  if (lock?.free !== true) throw notEditable(message.message_id, "it runs at this moment");
  const [guard] = await tx<{ state: string }[]>`select state from timeline.step_guard where step_key = ${stepKey}`;
  const open = compensation ? ["done", "unknown", "compensating"].includes(guard?.state ?? "") : guard === undefined;
  if (open) {
    // A call to the outside is made between two transactions: the step's lock is free, and its claim has not ended.
    const [claimed] = await tx`
      select c.message_id from timeline.event_request r
      join timeline.event_consumption c on c.consumer_group = ${group} and c.message_id = r.message_id
      where r.correlation_id = ${sagaId} and r.step_key = ${stepKey} and r.message_type = ${message.message_type}
        and c.consumed_at is null and not c.error_flag
      limit 1
    `;
    if (claimed === undefined) return;
    throw notEditable(message.message_id, "a call of it is in progress, or was cut and comes again");
  }
  const why =
    guard?.state === "started" ? "a call of it may have arrived already" : `its step is ${guard?.state ?? "not done"}`;
  throw notEditable(message.message_id, why);
}

function notEditable(messageId: string, why: string): Refusal {
  return new Refusal(
    "message.not-editable",
    `message ${messageId} cannot be edited: ${why}`,
    "Only a command or compensation that its saga waits for, or is parked at, and that has not run can be edited.",
  );
}

function invalid({ message_id: id }: MessageRow, problems: readonly Problem[]): Refusal {
  return new Refusal(
    "message.edit-invalid",
    `the edited body of ${id} does not fit`,
    "Send {input: …} as the handler takes it; sensitive values must be written out.",
    { problems },
  );
}

/**
 * Where a text holds `***`, alone or among other words, and is not the text that was stored there: a masked value that was
 * taken over. Whether the stored one holds it as well says nothing: its secret may be beside it, or around it.
 */
function maskedPlaces(value: Json, before: Json, pointer: string): readonly Problem[] {
  if (typeof value === "string" && value.includes(MASK) && value !== before)
    return [{ path: pointer, message: `holds the mask ${MASK}: write the value out` }];
  if (typeof value !== "object" || value === null) return [];
  const old = (typeof before === "object" && before !== null ? before : {}) as JsonObject;
  return Object.entries(value).flatMap(([key, item]) =>
    maskedPlaces(item as Json, old[key] ?? null, pointerTo(pointer, key)),
  );
}
