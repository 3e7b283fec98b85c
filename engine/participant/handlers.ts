import type { ActionDescription, DomainCatalog } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import type { Domain, Log, Run, StepSpec } from "../sdk.ts";
import { type GuardedTx, unawaited } from "../timeline/guarded-tx.ts";
import { type CallResult, callHandler, failureOf, parseInput } from "./call.ts";
import { type CommandRequest, contextOf } from "./claimed.ts";

/** How long a call may take, and what it is when it takes longer. */
export interface Limit {
  readonly ms: number;
  readonly reason: "slow" | "timeout";
}

/** The step's own timeout, or `slowMs` where that is shorter. */
export function limitOf(request: CommandRequest, slowMs = Number.POSITIVE_INFINITY): Limit {
  const timeout = request.headers?.["timeoutMs"];
  const timeoutMs = typeof timeout === "number" ? timeout : 30_000;
  return timeoutMs <= slowMs ? { ms: timeoutMs, reason: "timeout" } : { ms: slowMs, reason: "slow" };
}

/** Statements that were never sent of which it is remembered that they were warned of; more are not. */
const WARNED_MAX = 100;

/** A domain's handlers: finds them, parses what goes in, and calls those that run in a transaction. */
export class Handlers {
  readonly #domain: Domain;
  readonly #catalog: DomainCatalog;
  readonly #log: Log;
  readonly #warned = new Set<string>();

  constructor(domain: Domain, catalog: DomainCatalog, log: Log) {
    this.#domain = domain;
    this.#catalog = catalog;
    this.#log = log;
  }

  step(action: string): StepSpec | undefined {
    return Object.hasOwn(this.#domain.steps, action) ? this.#domain.steps[action] : undefined;
  }

  isExternal(action: string): boolean {
    return this.step(action)?.external === true;
  }

  /** A call in words by which a person finds the handler and the saga. */
  nameOf({ action, stepKey }: Pick<CommandRequest, "action" | "stepKey">): string {
    return `${this.#domain.name}.${action} (step ${stepKey})`;
  }

  /** The handler's description and its parsed input, or the failure that there is no such handler or no such input. */
  describe(request: CommandRequest): { readonly action: ActionDescription; readonly input: Json } | CallResult {
    const { name } = this.#domain;
    const action = this.#catalog.actions.get(`${name}.${request.action}`);
    if (action === undefined || !isHandled(this.step(request.action))) {
      const message = `domain ${name} has no handler for ${request.action}`;
      return { outcome: "failed", code: "step.no-handler", message, retryable: true };
    }
    const parsed = parseInput(action, request.body.input);
    return "outcome" in parsed ? parsed : { action, input: parsed.input };
  }

  /** Runs a handler in a transaction; `abort` ends it before its limit. @throws TimeOver, or what the handler throws */
  async run(
    guarded: GuardedTx,
    request: CommandRequest,
    now: Date,
    limit: Limit,
    abort = new AbortController(),
  ): Promise<CallResult> {
    const described = this.describe(request);
    if ("outcome" in described) return described;
    const { action, input } = described;
    // Before the handler hears of it: what it writes in its last moments must not reach the connection.
    abort.signal.addEventListener("abort", () => guarded.cutOff("its time has run out"));
    const run = runOf(this.step(request.action));
    const context = contextOf(request, { now, signal: abort.signal, log: this.logOf(request) });
    const result = await callHandler(action, limit, abort, () => run(guarded.tx, input, context), this.nameOf(request));
    return result.outcome === "succeeded" ? this.#whole(guarded, request, result) : result;
  }

  /** What it wrote must be all it meant to write: a statement that nobody awaited is lost, or commits by chance. */
  #whole(guarded: GuardedTx, request: CommandRequest, result: CallResult): CallResult {
    const left = guarded.leftBehind();
    if (left === undefined) return result;
    const error = unawaited(this.nameOf(request), left);
    if (left.kind !== "unread") return failureOf(error);
    // It may be a part of a statement that was not needed this time, and so at each of a thousand calls.
    const which = `${request.action} ${left.words}`;
    if (this.#warned.has(which) || this.#warned.size >= WARNED_MAX) return result;
    this.#warned.add(which);
    this.logOf(request).warn(error.message);
    return result;
  }

  /** A log whose lines carry the ids of one call. */
  logOf(request: CommandRequest): Log {
    const log = this.#log;
    const ids = { sagaId: request.sagaId, stepKey: request.stepKey, messageId: request.messageId };
    return {
      info: (message, fields) => log.info(message, { ...ids, ...fields }),
      warn: (message, fields) => log.warn(message, { ...ids, ...fields }),
      error: (message, fields) => log.error(message, { ...ids, ...fields }),
    };
  }
}

/** Topics of the actions that this engine's handlers run; others are another program's. */
export function handledTopics(domain: Domain): string[] {
  return Object.entries(domain.steps)
    .filter(([, step]) => isHandled(step))
    .map(([action]) => `${domain.name}.${action}`);
}

function isHandled(step: StepSpec | undefined): boolean {
  return step?.run !== undefined || step?.runMany !== undefined;
}

/** A step's handler for one input; one that only offers bulk work gets a bulk of one. */
function runOf(step: StepSpec | undefined): Run<unknown, unknown> {
  if (step?.run !== undefined) return step.run as Run<unknown, unknown>;
  return async (tx, input, context) => {
    const [outcome] = (await step?.runMany?.(tx, [{ input, context }])) ?? [];
    if (outcome === undefined) throw new Error("runMany returned no outcome");
    return outcome;
  };
}
