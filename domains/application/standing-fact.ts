import type { TimelineEvent } from "ekiden";
import * as v from "valibot";

/** What has been heard of an application so far, each thing once. */
export interface Facts {
  readonly registered?: true;
  readonly screening?: { readonly result: string; readonly score: number; readonly reasons: readonly string[] };
  readonly review?: { readonly decision: string; readonly reviewer: string };
  readonly contract?: { readonly number: string };
  /** A step's business no: the saga is about to fail. */
  readonly refusal?: { readonly code: string };
  readonly parked?: { readonly code: string; readonly step: string };
  readonly end?: {
    readonly standing: "completed" | "declined" | "cancelled" | "terminated";
    readonly code: string | null;
  };
}

/** What one timeline event tells about an application. `moved`: the saga goes on, so it is not parked any more. */
export type Fact =
  | { readonly type: "started"; readonly applicationNo: string }
  | { readonly type: "learned" | "moved"; readonly facts: Facts }
  | { readonly type: "parked"; readonly code: string; readonly step: string };

// Loose on purpose: these bodies belong to others, and a field more must not stop the read model.
const Started = v.object({ input: v.object({ applicationNo: v.string() }) });
const Screened = v.object({
  output: v.object({ result: v.string(), score: v.number(), reasons: v.array(v.string()) }),
});
const Contracted = v.object({ output: v.object({ number: v.string() }) });
const Reviewed = v.object({
  signal: v.literal("screening_reviewed"),
  payload: v.object({ decision: v.string(), reviewer: v.string() }),
});
const Rejection = v.object({ code: v.string() });
const Failure = v.object({ error: v.object({ code: v.string(), step: v.nullish(v.string()) }) });

/** Reads an event; undefined when it says nothing about where an application stands. */
export function factOf(event: TimelineEvent): Fact | undefined {
  if (event.saga !== "onboarding") return undefined;
  switch (event.type) {
    case "saga.started":
      return read(Started, event, ({ input }) => ({ type: "started", applicationNo: input.applicationNo }));
    case "step.succeeded":
      return { type: "moved", facts: succeeded(event) };
    case "step.rejected":
      return { type: "moved", facts: rejected(event) };
    case "signal.received":
      return read(Reviewed, event, ({ payload }) => ({ type: "learned", facts: { review: payload } }));
    case "saga.parked":
      return parked(event);
    default:
      return ended(event);
  }
}

function succeeded(event: TimelineEvent): Facts {
  switch (stepOf(event)) {
    case "apply":
      return { registered: true };
    case "screen":
      return read(Screened, event, ({ output }) => ({ screening: output })) ?? {};
    case "contract":
      return read(Contracted, event, ({ output }) => ({ contract: output })) ?? {};
    default:
      return {};
  }
}

/** Only these three decide about the applicant: a mail that nobody can receive does not. */
function rejected(event: TimelineEvent): Facts {
  if (!["apply", "screen", "contract"].includes(stepOf(event))) return {};
  return { refusal: { code: codeOf(event) } };
}

function parked(event: TimelineEvent): Fact {
  const failure = read(Failure, event, ({ error }) => error);
  return { type: "parked", code: failure?.code ?? "unknown", step: failure?.step ?? "unknown" };
}

function ended(event: TimelineEvent): Fact | undefined {
  const code = read(Failure, event, ({ error }) => error.code) ?? null;
  switch (event.type) {
    case "saga.completed":
      return { type: "moved", facts: { end: { standing: "completed", code: null } } };
    case "saga.failed":
      return { type: "moved", facts: { end: { standing: "declined", code } } };
    case "saga.cancelled":
      return { type: "moved", facts: { end: { standing: "cancelled", code } } };
    case "saga.terminated":
      return { type: "moved", facts: { end: { standing: "terminated", code } } };
    default:
      return undefined;
  }
}

function codeOf(event: TimelineEvent): string {
  return read(Rejection, event, ({ code }) => code) ?? "rejected";
}

/** `<saga id>/screen` → `screen`. */
function stepOf(event: TimelineEvent): string {
  return event.stepKey?.slice(event.sagaId.length + 1) ?? "";
}

function read<S extends v.GenericSchema, T>(
  schema: S,
  event: TimelineEvent,
  use: (body: v.InferOutput<S>) => T,
): T | undefined {
  const parsed = v.safeParse(schema, event.body);
  return parsed.success ? use(parsed.output) : undefined;
}
