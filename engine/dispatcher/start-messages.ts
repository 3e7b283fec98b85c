import type { Definition, StartOn } from "../core/definition.ts";
import { type Evaluator, ExpressionFault } from "../core/evaluate.ts";
import type { Json } from "../core/json.ts";
import { scanJson } from "../core/json-scan.ts";
import { Refusal } from "../core/refusal.ts";
import { renderTemplate } from "../core/template.ts";
import { traceparentOf } from "../core/traceparent.ts";
import { failpoint } from "../failpoint.ts";
import { isNoOutcome, type Sql } from "../timeline/database.ts";
import { readStartMessages, recordStartMessages, type StartRecord } from "../timeline/start-messages.ts";
import { foreignMessage, storable } from "../transport/foreign.ts";
import type { Delivery, Subscription, Verdict } from "../transport/port.ts";
import type { StartRequest, Started } from "./start.ts";

/** Most characters of what is kept about a message that starts nothing. */
const ERROR_MAX = 8_192;

/** What starting by messages needs. */
export interface StartMessagesParts {
  readonly sql: Sql;
  readonly evaluator: Evaluator;
  readonly start: (request: StartRequest) => Promise<Started>;
  readonly consumer: string;
}

/** The groups that start sagas by messages, with their topics. */
export function startTopics(definitions: ReadonlyMap<string, Definition>): ReadonlyMap<string, readonly string[]> {
  const groups = [...definitions.values()].flatMap(({ name, start }) =>
    start === undefined ? [] : [[startGroup(name), [start.topic]] as const],
  );
  return new Map(groups);
}

/** The group that starts sagas of a definition. */
function startGroup(definition: string): string {
  return `start.${definition}`;
}

/**
 * Starts a saga for each message of a topic that fits `start`. The message's id is the start's Idempotency-Key, and its
 * consumption is recorded like any other: delivered or rewound to again, it starts nothing twice.
 */
export class StartMessages {
  readonly #parts: StartMessagesParts;
  readonly #definition: string;
  readonly #on: () => StartOn | undefined;
  readonly #topic: string;

  /** `definitions`: those in use now; the condition and the input of the newest are taken, if it reads this topic. */
  constructor(
    definition: Definition,
    start: StartOn,
    definitions: () => ReadonlyMap<string, Definition>,
    parts: StartMessagesParts,
  ) {
    this.#parts = parts;
    this.#definition = definition.name;
    this.#topic = start.topic;
    this.#on = () => {
      const on = definitions().get(definition.name)?.start;
      return on?.topic === start.topic ? on : undefined;
    };
  }

  subscription(): Subscription {
    return {
      group: startGroup(this.#definition),
      topics: [this.#topic],
      lanes: 1,
      singles: 1,
      batchMax: 64,
      handle: (batch) => this.handle(batch),
    };
  }

  async handle(batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    const { sql, consumer } = this.#parts;
    const on = this.#on();
    // The definition was edited just now: these wait for whoever reads this topic next.
    if (on === undefined) return batch.map(() => "again");
    const group = startGroup(this.#definition);
    const messages = batch.map((delivery) => foreignMessage(delivery, consumer));
    const known = await readStartMessages(sql, group, messages);
    const fresh = known.filter(({ done }) => !done);
    const records = await Promise.all(
      fresh.map(async ({ ordinal, message_id: messageId }): Promise<StartRecord> => {
        const outcome = await this.#outcome(on, messageId, batch[ordinal] as Delivery);
        return { messageId, message: messages[ordinal] as Json, ...outcome };
      }),
    );
    failpoint("start-message", "after-effect");
    if (records.length > 0) await recordStartMessages(sql, group, records);
    failpoint("start-message", "after-commit");
    return batch.map(() => "done");
  }

  async #outcome(
    on: StartOn,
    messageId: string,
    delivery: Delivery,
  ): Promise<Omit<StartRecord, "messageId" | "message">> {
    try {
      return { sagaId: await this.#start(on, messageId, delivery) };
    } catch (error) {
      if (isNoOutcome(error) || isBusy(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      // It quotes the message, which may hold what no row can keep: all of the batch would wait for it, for ever.
      return { sagaId: null, code: codeOf(error), error: storable(message.slice(0, ERROR_MAX)) };
    }
  }

  async #start(on: StartOn, messageId: string, delivery: Delivery): Promise<string | null> {
    const { evaluator, start } = this.#parts;
    const event = bodyOf(delivery);
    if (on.if !== undefined && evaluator.evaluate(on.if, { event }) !== true) return null;
    const { sagaId } = await start({
      definition: this.#definition,
      input: renderTemplate(on.input, { event }, evaluator),
      duplicate: "return",
      idempotencyKey: `ekiden:start:${this.#definition}:${messageId}`,
      keyAlone: true,
      // It goes out again with every message of the saga.
      traceparent: traceparentOf(delivery.headers["traceparent"]),
    });
    return sagaId;
  }
}

class Malformed extends Error {}

/** Held to what a body over HTTP is held to: two order numbers that are read as one would be one saga. @throws Malformed */
function bodyOf({ value }: Delivery): Json {
  const text = value ?? "null";
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch (error) {
    throw new Malformed(`the body is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const places = scanJson(text).map(({ path, message }) => `${path || "the body"}: ${message}`);
  if (places.length > 0) throw new Malformed(places.join("; "));
  return body;
}

function codeOf(error: unknown): string {
  if (error instanceof Malformed) return "message.malformed";
  if (error instanceof ExpressionFault) return "expression.failed";
  return error instanceof Refusal ? error.code : "start.failed";
}

/** Tried again in a moment: nothing is wrong with the message. */
function isBusy(error: unknown): boolean {
  return error instanceof Refusal && (error.code === "engine.busy" || error.code === "saga.busy");
}
