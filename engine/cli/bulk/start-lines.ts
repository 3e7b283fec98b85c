import { BODY_MAX_BYTES } from "../../api/json-body.ts";
import { Saga } from "../../api/saga-schema.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { problemText, type Reply } from "../client.ts";
import { expect } from "../output.ts";
import { isAtRest, type SagaView, standing, untilAtRest } from "./at-rest.ts";
import { LineKeys } from "./line-keys.ts";
import { lineSource } from "./line-source.ts";
import type { Line } from "./lines.ts";
import { parseLine } from "./parse-line.ts";
import type { PatientCaller } from "./patient-caller.ts";
import type { BulkSettings } from "./options.ts";
import { faulty, type LineResult } from "./result.ts";
import { runLines } from "./run-lines.ts";

/** What `start --from` was asked for. */
export interface StartLines extends BulkSettings {
  readonly definition: string;
  readonly from: string;
  /** Tells this run's keys from those of an earlier run over the same file. */
  readonly key: string | undefined;
  readonly json: boolean;
}

/** Statuses at which the next line would be refused just the same. */
const HOPELESS: ReadonlySet<number> = new Set([401, 403, 404, 405, 415]);

/** Starts a saga for each line, once, however often the command is run over the file. */
export async function startLines(asked: StartLines): Promise<void> {
  const keys = new LineKeys(["start", asked.definition, asked.key ?? null]);
  await runLines({
    ...asked,
    did: "started",
    source: await lineSource(asked.from),
    lineMaxBytes: BODY_MAX_BYTES,
    prepare(line, caller, stopping) {
      const parsed = parseLine(line.text);
      if (parsed.fault !== undefined) return async () => faulty(line.number, parsed.fault);
      const key = keys.next(parsed.value);
      return () => startLine(asked, line, key, caller, stopping);
    },
  });
}

async function startLine(
  { definition, waitMs }: StartLines,
  { number, text }: Line,
  idempotencyKey: string,
  caller: PatientCaller,
  stopping: AbortSignal,
): Promise<LineResult> {
  const path = `/v1/sagas/${encodeURIComponent(definition)}`;
  const reply = await caller.call("POST", path, { text, idempotencyKey });
  if (reply.status >= 300) return refused(number, reply);
  const started = expect(Saga, reply.answer);
  const waits = waitMs !== undefined && !isAtRest(started);
  const saga = waits ? await untilAtRest(caller, started.sagaId, waitMs, stopping) : started;
  const result = reply.status === 201 ? "started" : "known";
  return { line: number, result, ...shown(saga), ...(waitMs === undefined ? {} : { standing: standing(saga) }) };
}

function refused(line: number, { status, answer }: Reply): LineResult {
  const text = problemText(status, answer);
  if (HOPELESS.has(status) || isRetired(answer)) throw new CliError(EXIT.refused, text);
  return { line, result: "refused", problem: answer, text };
}

/** 409 as other lines of a file may be, yet all of them would be. */
function isRetired(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "code" in answer && answer.code === "definition.retired";
}

/** What a result says about its saga. */
export function shown({ sagaId, status, waitingFor }: SagaView): Pick<LineResult, "sagaId" | "status" | "waitingFor"> {
  return { sagaId, status, ...(waitingFor === null ? {} : { waitingFor: waitingFor.map(({ signal }) => signal) }) };
}
