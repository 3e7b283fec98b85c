import type * as v from "valibot";

import { Accepted, type PausedGroup, Saga } from "../api/saga-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { expect, type OutputOptions, print } from "./output.ts";
import { pausedText, resumeOrder } from "./paused-text.ts";
import { facts, table, time, took } from "./table.ts";
import { waitingText } from "./waiting-text.ts";

type SagaView = v.InferOutput<typeof Saga>;

/** One saga for a person: what it is, where it stands, its steps. */
export function sagaText(saga: SagaView): string {
  const head = facts([
    ["saga", saga.sagaId],
    ["definition", `${saga.definition} version ${saga.version} (revision ${saga.revision.slice(0, 12)})`],
    ["status", saga.status],
    ["key", saga.key],
    ["child of", saga.parent === null ? null : `${saga.parent.sagaId} (step ${saga.parent.step})`],
    ["started", time(saga.startedAt)],
    [
      "finished",
      saga.finishedAt === null ? null : `${time(saga.finishedAt)} (took ${took(saga.startedAt, saga.finishedAt)})`,
    ],
    ["error", errorText(saga.error)],
    ["output", saga.output === null ? null : JSON.stringify(saga.output)],
    ...(saga.waitingFor ?? []).map((wait) => ["waits for", waitText(wait)] as const),
    ["waits for", saga.waiting !== null && isSaidNowhereElse(saga) ? waitingText(saga.waiting) : null],
    ["paused", saga.waiting?.pausedGroup === undefined ? null : groupText(saga.waiting.pausedGroup)],
    ...ownTimers(saga).map((timer) => ["next", timerText(timer)] as const),
    ...saga.uncompensated.map(({ step, reason }) => ["not undone", `${step}: ${reason}`] as const),
  ]);
  const withErrors = saga.steps.some(({ error }) => error !== undefined);
  const columns = ["STEP", "STATUS", "ATTEMPTS", "STARTED", "FINISHED", "TOOK", ...(withErrors ? ["ERROR"] : [])];
  const rows = saga.steps.map((step) => [
    step.path,
    step.status,
    String(step.attempts),
    time(step.startedAt),
    time(step.finishedAt),
    took(step.startedAt, step.finishedAt),
    step.error === undefined ? "" : `${step.error.code}: ${step.error.message}`.replaceAll(/\s+/g, " "),
  ]);
  const more = saga.moreSteps ? `\n\nThere are more steps: GET /v1/sagas/${saga.sagaId}/steps` : "";
  return `${head}\n\n${table(columns, rows, "No step was reached yet.")}${more}`;
}

/** A parked saga's status says that a person is waited for; a completed child's does not while its undoing is parked. */
function isSaidNowhereElse({ status, waiting }: SagaView): boolean {
  return waiting?.kind === "child" || waiting?.kind === "answer" || (waiting?.kind === "person" && status !== "parked");
}

function groupText(paused: v.InferOutput<typeof PausedGroup>): string {
  return `consumer group ${paused.group}${pausedText(paused)} (${resumeOrder(paused)})`;
}

function errorText(error: SagaView["error"]): string | null {
  if (error === null) return null;
  const at = error.line === undefined ? "" : `, line ${error.line} column ${error.column ?? 1} of the YAML`;
  return `${error.code}: ${error.message}${error.step === null ? "" : ` (step ${error.step}${at})`}`;
}

function waitText({ signal, path, deadlineAt }: NonNullable<SagaView["waitingFor"]>[number]): string {
  return `signal ${signal} at ${path}${deadlineAt === null ? "" : `, until ${time(deadlineAt)}`}`;
}

/** Without the deadlines of waits, which stand there already. */
function ownTimers({ timers, waitingFor }: SagaView): SagaView["timers"] {
  return timers.filter(({ kind, step }) => kind !== "deadline" || !waitingFor?.some(({ path }) => path === step));
}

function timerText({ kind, step, dueAt }: SagaView["timers"][number]): string {
  return `${kind} of ${step ?? "the saga"} at ${time(dueAt)}`;
}

/** With `--wait`: the exit code says whether the saga is completed. @throws CliError */
export function demandCompleted(answer: unknown): void {
  const { sagaId, status } = expect(Saga, answer);
  if (status !== "completed") throw new CliError(EXIT.notCompleted, `saga ${sagaId} is ${status}`);
}

/** Prints that a request to a saga was recorded. */
export function accepted(options: OutputOptions, answer: unknown): void {
  print(options, Accepted, answer, ({ sagaId, status, applied, messageId }) => {
    const when = applied ? "applied" : "recorded; the dispatcher applies it when it gets there";
    return `${sagaId}  ${status}  message ${messageId} ${when}`;
  });
}
