import type { TimelineEvent } from "ekiden";
import { type Fact, type Facts, factOf } from "./standing-fact.ts";

/** The events that `application.standing` is made from. */
export const STANDING_EVENTS = [
  "saga.started",
  "step.succeeded",
  "step.rejected",
  "signal.received",
  "saga.parked",
  "saga.completed",
  "saga.failed",
  "saga.cancelled",
  "saga.terminated",
] as const;

/** Where an application stands and why; `why` is null where the standing says it all. */
export interface Stand {
  readonly standing:
    | "received"
    | "registered"
    | "in_review"
    | "approved"
    | "contracted"
    | "parked"
    | "completed"
    | "declined"
    | "cancelled"
    | "terminated";
  readonly why: string | null;
}

/** One application of the read model; `since` is when `standing` or `why` last changed. */
export interface Standing extends Stand {
  readonly sagaId: string;
  readonly applicationNo: string;
  readonly since: Date;
  readonly startedAt: Date;
  readonly facts: Facts;
}

/**
 * Applies one event: the row that follows from the row so far. Pure, and it uses the event's time only, so that the
 * same events always give the same rows. What arrives twice, late, or about an application whose start was never
 * seen changes nothing.
 */
export function stand(before: Standing | undefined, event: TimelineEvent): Standing | undefined {
  const fact = factOf(event);
  if (!fact) return before;
  if (fact.type === "started") return before ?? begin(event, fact.applicationNo);
  if (!before) return undefined;
  const facts = learn(before.facts, fact);
  const now = standOf(facts);
  const moved = now.standing !== before.standing || now.why !== before.why;
  return { ...before, ...now, facts, since: moved ? event.at : before.since };
}

function begin(event: TimelineEvent, applicationNo: string): Standing {
  return {
    sagaId: event.sagaId,
    applicationNo,
    standing: "received",
    why: null,
    since: event.at,
    startedAt: event.at,
    facts: {},
  };
}

/** The first of each kind wins: a second answer of a settled step is history. */
function learn(facts: Facts, fact: Exclude<Fact, { readonly type: "started" }>): Facts {
  switch (fact.type) {
    case "learned":
      return { ...fact.facts, ...facts };
    case "parked":
      return { ...facts, parked: { code: fact.code, step: fact.step } };
    case "moved": {
      // An answer takes a parked saga on; a signal alone does not.
      const { parked: _, ...rest } = facts;
      return { ...fact.facts, ...rest };
    }
  }
}

function standOf(facts: Facts): Stand {
  const { end, parked, refusal, contract } = facts;
  if (end) return { standing: end.standing, why: end.code };
  if (parked) return { standing: "parked", why: `${parked.code} at ${parked.step}` };
  if (refusal) return { standing: "declined", why: refusal.code };
  if (contract) return { standing: "contracted", why: contract.number };
  return screened(facts);
}

function screened({ registered, screening, review }: Facts): Stand {
  if (!screening) return { standing: registered ? "registered" : "received", why: null };
  const why = [`score ${screening.score}`, ...screening.reasons].join("; ");
  if (screening.result === "approved") return { standing: "approved", why };
  if (screening.result === "rejected") return { standing: "declined", why: "screening_rejected" };
  if (!review) return { standing: "in_review", why };
  return review.decision === "approve"
    ? { standing: "approved", why: `approved by ${review.reviewer}` }
    : { standing: "declined", why: "review_rejected" };
}
