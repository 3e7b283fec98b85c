import { Accepted } from "../../api/saga-schema.ts";
import type { Json } from "../../core/json.ts";
import { isUlid } from "../../timeline/ids.ts";
import { problemText } from "../client.ts";
import { expect } from "../output.ts";
import { standing, untilAtRest } from "./at-rest.ts";
import { LineKeys } from "./line-keys.ts";
import { lineSource } from "./line-source.ts";
import type { BulkSettings } from "./options.ts";
import type { PatientCaller } from "./patient-caller.ts";
import { faulty, type LineResult } from "./result.ts";
import { runLines } from "./run-lines.ts";
import { shown } from "./start-lines.ts";

/** What `signal -` was asked for. */
export interface SignalLines extends BulkSettings {
  readonly signal: string;
  readonly payload: Json;
  readonly key: string | undefined;
  readonly json: boolean;
}

/** A line of `list --all --json` with a long input is the longest that makes sense. */
const LINE_MAX_BYTES = 1_048_576;

/** Signals the saga of each line of standard input, once, however often the command is run over the same lines. */
export async function signalLines(asked: SignalLines): Promise<void> {
  const keys = new LineKeys(["signal", asked.signal, asked.payload, asked.key ?? null]);
  await runLines({
    ...asked,
    did: "signalled",
    source: await lineSource("-"),
    lineMaxBytes: LINE_MAX_BYTES,
    prepare({ number, text }, caller, stopping) {
      const sagaId = sagaIdOf(text);
      if (sagaId === undefined) return async () => faulty(number, NO_ID);
      const key = keys.next(sagaId);
      return () => signalLine(asked, number, sagaId, key, caller, stopping);
    },
  });
}

const NO_ID = {
  code: "request.malformed-json",
  detail: "names no saga",
  hint: "A saga's id a line, as `list --ids` prints them, or an object with `sagaId`, as `--json` prints them.",
} as const;

/** The saga that a line names: an id, or the `sagaId` of an object. */
export function sagaIdOf(text: string): string | undefined {
  const id = text.startsWith("{") ? fieldOf(text) : text;
  return id !== undefined && isUlid(id.toUpperCase()) ? id.toUpperCase() : undefined;
}

function fieldOf(text: string): string | undefined {
  try {
    const { sagaId } = JSON.parse(text) as { sagaId?: unknown };
    return typeof sagaId === "string" ? sagaId : undefined;
  } catch {
    return undefined;
  }
}

async function signalLine(
  { signal, payload, waitMs }: SignalLines,
  line: number,
  sagaId: string,
  idempotencyKey: string,
  caller: PatientCaller,
  stopping: AbortSignal,
): Promise<LineResult> {
  const path = `/v1/sagas/${sagaId}/signals/${encodeURIComponent(signal)}`;
  const reply = await caller.call("POST", path, { body: payload, idempotencyKey });
  if (reply.status >= 300) {
    const problem = problemText(reply.status, reply.answer);
    const text = problem.includes(sagaId) ? problem : `saga ${sagaId}: ${problem}`;
    return { line, result: "refused", sagaId, problem: reply.answer, text };
  }
  const { status, applied } = expect(Accepted, reply.answer);
  const result = reply.replayed ? "known" : "signalled";
  if (waitMs === undefined) return { line, result, sagaId, status };
  const saga = await untilAtRest(caller, sagaId, waitMs, stopping, !applied);
  return { line, result, ...shown(saga), standing: standing(saga) };
}
