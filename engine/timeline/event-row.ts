import * as v from "valibot";
import type { SagaEvent } from "../core/event.ts";
import { issueText } from "../core/issue.ts";
import type { Json } from "../core/json.ts";
import { pathIn } from "../core/path.ts";

/** A request of the timeline, as the dispatcher reads it back from the event store. */
export interface EventRow {
  readonly message_id: string;
  readonly correlation_id: string;
  readonly topic: string;
  readonly message_key: string;
  readonly message_type: string;
  readonly saga: string | null;
  readonly step_key: string | null;
  readonly attempt: number | null;
  readonly traceparent: string | null;
  readonly message_body: Json;
}

const text = v.string();
const Output = v.object({ output: v.optional(v.any(), null) });
const Rejected = v.object({ code: text, message: v.optional(text, "") });
const Failed = v.object({
  code: text,
  message: v.optional(text, ""),
  retryable: v.optional(v.boolean(), true),
  unknown: v.optional(v.boolean(), false),
});
const Signal = v.object({ signal: text, payload: v.optional(v.any(), null) });
const Timer = v.object({ timer: text, dueAt: text });
const Cancel = v.object({ reason: v.optional(text, "") });
const Retry = v.object({ step: v.optional(text) });
const Skip = v.object({ step: text, reason: v.optional(text, "") });
const Resolve = v.object({ step: text, result: v.optional(v.any(), null) });
const Edit = v.object({ path: text, compensation: v.boolean(), input: v.any(), supersedes: text });
const ChildRequest = v.object({
  definition: text,
  input: v.any(),
  parent: v.object({ sagaId: text, path: text }),
});
/** How a parent asks for a child. */
export type ChildRequest = v.InferOutput<typeof ChildRequest>;
const ChildEnded = v.object({
  path: text,
  child: text,
  status: v.picklist(["completed", "failed", "cancelled", "terminated"]),
  code: v.optional(text, ""),
  message: v.optional(text, ""),
  output: v.optional(v.any(), null),
  pivotPassed: v.optional(v.boolean(), false),
  uncompensated: v.optional(v.boolean(), false),
});
const ChildCompensated = v.object({ path: text, uncompensated: v.optional(v.boolean(), false) });

/** What an event row means to the core: an event, `other` (the saga's own life moves nothing), or why it is malformed. */
export type ParsedEvent = { readonly event: SagaEvent } | { readonly other: true } | { readonly malformed: string };

/** Parses a timeline event. Programs in other languages write events too: nothing is trusted but the columns' types. */
export function parseEvent(row: EventRow): ParsedEvent {
  try {
    return parse(row);
  } catch (error) {
    if (!(error instanceof v.ValiError)) throw error;
    const [issue] = error.issues;
    return { malformed: `${row.message_type}: ${v.getDotPath(issue) ?? "its body"} ${issueText(issue)}` };
  }
}

/** The child that an event asks for; undefined when it asks for none, or is malformed. */
export function childRequest({ message_type: type, message_body: body }: EventRow): ChildRequest | undefined {
  const request = type === "child.requested" ? v.safeParse(ChildRequest, body) : undefined;
  return request?.success ? request.output : undefined;
}

function parse(row: EventRow): ParsedEvent {
  const { message_body: body } = row;
  switch (row.message_type) {
    case "saga.started":
      return { event: { type: "saga.started" } };
    case "signal.received":
      return { event: { type: "signal.received", messageId: row.message_id, ...v.parse(Signal, body) } };
    case "timer.fired":
      return { event: { type: "timer.fired", ...v.parse(Timer, body) } };
    case "cancel.requested":
      return { event: { type: "cancel.requested", ...v.parse(Cancel, body) } };
    case "retry.requested": {
      const { step } = v.parse(Retry, body);
      return { event: { type: "retry.requested", ...(step === undefined ? {} : { step }) } };
    }
    case "skip.requested":
      return { event: { type: "skip.requested", ...v.parse(Skip, body) } };
    case "resolve.requested":
      return { event: { type: "resolve.requested", ...v.parse(Resolve, body) } };
    case "terminate.requested":
    case "parent.terminated":
      return { event: { type: row.message_type, ...v.parse(Cancel, body) } };
    case "edit.requested":
      return { event: { type: "edit.requested", ...v.parse(Edit, body) } };
    case "child.requested":
      // What it asks for stands in the saga's row, which was made with it.
      v.parse(ChildRequest, body);
      return { event: { type: "saga.started" } };
    case "child.ended":
      return { event: { type: "child.ended", ...v.parse(ChildEnded, body) } };
    case "child.compensated":
      return { event: { type: "child.compensated", ...v.parse(ChildCompensated, body) } };
    case "compensate.requested":
      return { event: { type: "compensate.requested" } };
    case "child.released":
      return { event: { type: "child.released" } };
    default:
      return parseAnswer(row);
  }
}

function parseAnswer(row: EventRow): ParsedEvent {
  const { message_type: type, message_body: body } = row;
  if (!/^(step|compensation)\.(succeeded|skipped|rejected|failed)$/.test(type)) return { other: true };
  const path = row.step_key === null ? null : pathIn(row.correlation_id, row.step_key);
  if (path === null || row.attempt === null)
    return { malformed: `${type} needs a step key of its saga and an attempt` };
  const at = { path, attempt: row.attempt };
  switch (type) {
    case "step.succeeded":
      return { event: { type, ...at, output: v.parse(Output, body).output } };
    case "step.rejected":
      return { event: { type, ...at, ...v.parse(Rejected, body) } };
    case "step.failed":
      return { event: { type, ...at, ...v.parse(Failed, body) } };
    case "compensation.succeeded":
    case "compensation.skipped":
      return { event: { type, ...at } };
    case "compensation.failed": {
      const { code, message, retryable } = v.parse(Failed, body);
      return { event: { type, ...at, code, message, retryable } };
    }
    default:
      return { malformed: `${type} is no answer` };
  }
}
