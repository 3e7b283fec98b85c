import type { Json, JsonObject } from "../../engine/core/json.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { compensationVerdict, stepVerdict } from "../core/explorer/participant.ts";
import type { Meaning } from "./driver.ts";
import type { Ground } from "./statements.ts";
import { copy, type Transaction } from "./store.ts";
import { type ConsumptionRow, consumptionKey, type GuardRow, mayClaim, type RequestRow } from "./tables.ts";

type Values = readonly unknown[];

interface Message {
  readonly headers: { readonly id: string };
  readonly answerId: string;
}

interface Answer {
  readonly messageId: string;
  readonly answerId: string;
  readonly outcome: "succeeded" | "rejected" | "failed" | "unknown";
  readonly body: {
    readonly output?: Json;
    readonly code?: string;
    readonly message?: string;
    readonly retryable?: boolean;
  };
}

interface Ended {
  readonly messageId: string;
  readonly answerId: string;
  readonly output?: Json;
}

/** SQLSTATE 55000: somebody else has claimed or answered meanwhile. */
class NotClaimed extends Error {
  readonly code = "55000";
}

/** MODEL: `open_batch`, `claim_batch`, `close_batch` and `answer_batch`; the verdicts are those of the explorer. */
export function participantStatements(ground: Ground): Readonly<Record<string, Meaning>> {
  const desk = new ClaimDesk(ground);
  const locks = (transaction: Transaction, ids: readonly string[]) => desk.locksOf(transaction, ids);
  return {
    "timeline.open_batch(": {
      run: (transaction, values) => desk.open(transaction, values),
      locks: (transaction, [, ids]) => locks(transaction, ids as string[]),
    },
    "timeline.open_own(": {
      run: (transaction, values) => desk.openOwn(transaction, values),
      locks: (_transaction, [, , stepKeys]) => (stepKeys as string[]).map((stepKey) => `step ${stepKey}`),
    },
    "timeline.claim_batch(": {
      run: (transaction, values) => desk.claim(transaction, values),
      locks: (transaction, [, messages]) =>
        locks(
          transaction,
          (messages as Message[]).map(({ headers }) => headers.id),
        ),
    },
    "timeline.fail_try(": {
      run: (transaction, values) => desk.failTry(transaction, values),
      locks: (transaction, [, message]) => locks(transaction, [(message as Message).headers.id]),
    },
    "timeline.close_batch(": { run: (transaction, values) => desk.close(transaction, values) },
    "timeline.answer_batch(": {
      run: (transaction, values) => desk.answer(transaction, values),
      locks: (transaction, [, answers]) =>
        locks(
          transaction,
          (answers as Answer[]).map(({ messageId }) => messageId),
        ),
    },
    "insert into effect": {
      run: (transaction, [stepKey, kind]) => {
        ground.tables.effect.put(transaction, newId(), {
          stepKey: stepKey as string,
          kind: kind as "did" | "undone",
          xid: transaction.xid,
        });
        return [];
      },
    },
  };
}

class ClaimDesk {
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  locksOf(transaction: Transaction, ids: readonly string[]): string[] {
    return ids.flatMap((id) => {
      const stepKey = this.#ground.tables.request.get(transaction, id)?.stepKey;
      return stepKey === undefined || stepKey === null ? [] : [`step ${stepKey}`];
    });
  }

  open(transaction: Transaction, [group, ids]: Values): unknown[] {
    const seen = new Set<string>();
    return (ids as string[]).map((id, ordinal) => {
      const row = this.#request(transaction, id);
      const stepKey = row.stepKey as string;
      const later = seen.has(stepKey);
      seen.add(stepKey);
      const verdict = later ? "later" : this.#opens(transaction, group as string, row) ? "run" : "claim";
      return { ordinal, verdict, request: requestOf(row), now: new Date(this.#ground.now()), xid: transaction.xid };
    });
  }

  openOwn(transaction: Transaction, [group, ids]: Values): unknown[] {
    const others = (ids as string[]).flatMap((id, ordinal) =>
      this.#opens(transaction, group as string, this.#request(transaction, id)) ? [] : [ordinal],
    );
    return [{ now: new Date(this.#ground.now()), xid: transaction.xid, others }];
  }

  #opens(transaction: Transaction, group: string, row: RequestRow): boolean {
    if (this.#consumption(transaction, group, row.messageId) !== undefined) return false;
    const guard = this.#guard(transaction, row);
    if (row.messageType === "step.requested") return guard === undefined;
    return guard !== undefined && ["done", "unknown", "compensating"].includes(guard.state);
  }

  claim(transaction: Transaction, [group, messages, external]: Values): unknown[] {
    const seen = new Set<string>();
    return (messages as Message[]).map(({ headers: { id }, answerId }, ordinal) => {
      const row = this.#request(transaction, id);
      const stepKey = row.stepKey as string;
      if (seen.has(stepKey)) return { ordinal, verdict: "later", request: null, answer: null };
      seen.add(stepKey);
      return { ordinal, ...this.#claimOne(transaction, group as string, row, answerId, external as boolean) };
    });
  }

  /** A try of a notification that another one follows: claimed, and not in error. */
  failTry(transaction: Transaction, [group, message, claimed]: Values): unknown[] {
    const row = this.#request(transaction, (message as Message).headers.id);
    const known = this.#consumption(transaction, group as string, row.messageId);
    const how = { consumed: false, error: false, errorCode: null };
    // A claim that has committed may be over by now.
    const may = claimed === true ? known?.consumed === false : mayClaim(known);
    if (may) this.#consume(transaction, group as string, row, known, how, claimed === true ? 0 : 1);
    return [];
  }

  #claimOne(transaction: Transaction, group: string, row: RequestRow, answerId: string, external: boolean) {
    const { tables } = this.#ground;
    const guard = this.#guard(transaction, row);
    const isStep = row.messageType === "step.requested";
    const verdict = isStep ? stepVerdict(guard) : compensationVerdict(guard);
    const known = this.#consumption(transaction, group, row.messageId);
    if (!mayClaim(known)) return { verdict: "skip", request: null, answer: null };
    const refused = verdict === "refused" ? "step.closed" : null;
    this.#consume(transaction, group, row, known, { consumed: verdict !== "run", error: false, errorCode: refused });
    if (verdict === "run") {
      if (external) this.#begin(transaction, row, guard);
      return { verdict: "run", request: requestOf(row), answer: null };
    }
    if (verdict === "refused") return { verdict: "refused", request: null, answer: null };
    const stepKey = row.stepKey as string;
    if (!isStep && guard === undefined) {
      tables.guard.put(transaction, stepKey, { sagaId: row.correlationId, state: "blocked", calls: 0 });
    }
    if (row.messageHeaders?.["notify"] === true) {
      return { verdict: "answered", request: null, answer: null };
    }
    const body = isStep
      ? guard?.state === "done"
        ? { output: guard.output ?? null }
        : { code: guard?.code ?? "", message: guard?.message ?? "" }
      : {};
    const answer = this.#say(transaction, row, answerId, verdict.type, body);
    return { verdict: "answered", request: null, answer };
  }

  /** An external call is about to be made. */
  #begin(transaction: Transaction, row: RequestRow, guard: GuardRow | undefined): void {
    const stepKey = row.stepKey as string;
    const timeoutMs = Number(row.messageHeaders?.["timeoutMs"] ?? 30_000);
    const untilMs = this.#ground.now() + timeoutMs;
    if (row.messageType === "compensation.requested") {
      if (guard === undefined) return;
      const begun = { state: "compensating", compensationMessageId: row.messageId, untilMs } as const;
      this.#ground.tables.guard.put(transaction, stepKey, { ...guard, ...begun });
      return;
    }
    this.#ground.tables.guard.put(transaction, stepKey, {
      sagaId: row.correlationId,
      state: "started",
      commandMessageId: row.messageId,
      calls: (guard?.calls ?? 0) + 1,
      untilMs,
    });
  }

  close(transaction: Transaction, [group, rows, , due]: Values): unknown[] {
    const written = (rows as Ended[]).flatMap(({ messageId, answerId, output }) => {
      const row = this.#request(transaction, messageId);
      const known = this.#consumption(transaction, group as string, messageId);
      const guard = this.#guard(transaction, row);
      const isStep = row.messageType === "step.requested";
      if (known !== undefined || (isStep && guard !== undefined)) throw new NotClaimed("duplicate key");
      this.#consume(transaction, group as string, row, known, { consumed: true, error: false, errorCode: null });
      this.#end(transaction, row, guard, output);
      if (row.messageHeaders?.["notify"] === true) return [];
      const type = isStep ? "step.succeeded" : "compensation.succeeded";
      const body = !isStep && output === undefined ? {} : { output: output ?? null };
      return [this.#say(transaction, row, answerId, type, body)];
    });
    if (written.length !== due) throw new NotClaimed(`${due} answers were due, ${written.length} were written`);
    return written.map(({ messageId, requestedAt, value }) => ({
      message_id: messageId,
      requested_at: requestedAt,
      xid: transaction.xid,
      body: value,
    }));
  }

  #end(transaction: Transaction, row: RequestRow, guard: GuardRow | undefined, output: Json | undefined): void {
    const { guard: table } = this.#ground.tables;
    const stepKey = row.stepKey as string;
    if (row.messageType === "step.requested") {
      if (guard !== undefined && guard.state !== "started") return;
      const base = guard ?? { sagaId: row.correlationId, calls: 0 };
      table.put(transaction, stepKey, { ...base, state: "done", output: output ?? null });
    } else if (guard !== undefined && ["done", "unknown", "compensating"].includes(guard.state)) {
      table.put(transaction, stepKey, { ...guard, state: "compensated", compensationOutput: output ?? null });
    }
  }

  answer(transaction: Transaction, [group, answers]: Values): unknown[] {
    return (answers as Answer[]).flatMap((answer) => {
      const row = this.#request(transaction, answer.messageId);
      const known = this.#consumption(transaction, group as string, answer.messageId);
      if (known === undefined || known.consumed || known.error) throw new NotClaimed("not claimed by this group");
      const notify = row.messageHeaders?.["notify"] === true;
      const error = ["failed", "unknown"].includes(answer.outcome) || (notify && answer.outcome === "rejected");
      const errorCode = answer.outcome === "succeeded" ? null : (answer.body.code ?? "failed");
      this.#consume(transaction, group as string, row, known, { consumed: true, error, errorCode }, 0);
      this.#settle(transaction, row, answer, notify);
      if (notify) return [];
      return [{ row: this.#say(transaction, row, answer.answerId, ...answered(row, answer)) }];
    });
  }

  #settle(transaction: Transaction, row: RequestRow, { outcome, body }: Answer, notify: boolean): void {
    const { guard: table } = this.#ground.tables;
    const stepKey = row.stepKey as string;
    const guard = table.get(transaction, stepKey);
    const isStep = row.messageType === "step.requested";
    const givenUp = guard?.state === "closed" || guard?.state === "blocked";
    if (outcome === "succeeded" && isStep && givenUp) throw new NotClaimed("given up since it was claimed");
    if (outcome === "succeeded") return this.#end(transaction, row, guard, body.output);
    if (!isStep) {
      const mine = guard?.state === "compensating" && guard.compensationMessageId === row.messageId;
      if (mine) table.put(transaction, stepKey, { ...guard, untilMs: this.#ground.now() });
      return;
    }
    const started = guard?.state === "started";
    const mine = started && guard.commandMessageId === row.messageId;
    if (outcome === "rejected" && !notify && (guard === undefined || started)) {
      const { code = "", message = "" } = body;
      table.put(transaction, stepKey, {
        sagaId: row.correlationId,
        calls: 0,
        ...guard,
        state: "rejected",
        code,
        message,
      });
    } else if (outcome === "failed" && mine && guard.calls === 1) table.delete(transaction, stepKey);
    else if (mine) table.put(transaction, stepKey, { ...guard, untilMs: this.#ground.now() });
  }

  #consume(
    transaction: Transaction,
    group: string,
    row: RequestRow,
    known: ConsumptionRow | undefined,
    how: Pick<ConsumptionRow, "consumed" | "error" | "errorCode">,
    more = 1,
  ): void {
    const key = consumptionKey(group, row.messageId);
    const attempts = (known?.attempts ?? 0) + more;
    const { messageId, correlationId: sagaId } = row;
    this.#ground.tables.consumption.put(transaction, key, {
      group,
      messageId,
      sagaId,
      attempts,
      xid: transaction.xid,
      ...how,
    });
  }

  #say(transaction: Transaction, row: RequestRow, messageId: string, messageType: string, messageBody: JsonObject) {
    const requestedAt = new Date(this.#ground.now()).toISOString();
    const written: RequestRow = {
      ...row,
      messageId,
      messageType,
      messageBody: copy(messageBody),
      causationId: row.messageId,
      topic: "timeline",
      messageHeaders: null,
      requestedAt,
      xid: transaction.xid,
    };
    this.#ground.tables.request.put(transaction, messageId, written);
    const value = JSON.stringify(messageBody);
    return {
      messageId,
      topic: "timeline",
      key: row.correlationId,
      value,
      requestedAt,
      xid: transaction.xid,
      headers: {},
    };
  }

  #request(transaction: Transaction, messageId: string): RequestRow {
    return this.#ground.tables.request.get(transaction, messageId) as RequestRow;
  }

  #consumption(transaction: Transaction, group: string, messageId: string): ConsumptionRow | undefined {
    return this.#ground.tables.consumption.get(transaction, consumptionKey(group, messageId));
  }

  #guard(transaction: Transaction, row: RequestRow): GuardRow | undefined {
    const guard = this.#ground.tables.guard.get(transaction, row.stepKey as string);
    if (!this.#ground.bugs.byMessageOnly) return guard;
    return row.messageType === "step.requested" ? undefined : guard;
  }
}

function requestOf(row: RequestRow) {
  const { messageId, correlationId, saga, stepKey, action, attempt, traceparent, messageHeaders, messageBody } = row;
  const type = row.messageType;
  const named = { messageId, type, sagaId: correlationId, saga, stepKey, action, attempt, traceparent };
  return { ...named, headers: messageHeaders, body: messageBody };
}

function answered(row: RequestRow, { outcome, body }: Answer): [string, JsonObject] {
  const { code = "failed", message = "", output = null } = body;
  const isStep = row.messageType === "step.requested";
  if (outcome === "succeeded") return [isStep ? "step.succeeded" : "compensation.succeeded", { output }];
  if (outcome === "rejected" && isStep) return ["step.rejected", { code, message }];
  const failed = { code, message, retryable: outcome !== "rejected" && (body.retryable ?? true) };
  if (!isStep) return ["compensation.failed", failed];
  return ["step.failed", { ...failed, unknown: outcome === "unknown" }];
}
