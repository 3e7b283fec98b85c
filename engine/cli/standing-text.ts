import type * as v from "valibot";

import type { Saga } from "../api/saga-schema.ts";
import { pausedText, resumeOrder } from "./paused-text.ts";
import { time } from "./table.ts";
import { waitingText } from "./waiting-text.ts";

type SagaView = v.InferOutput<typeof Saga>;

/** Of an `each` thousands of items may be parked for one reason. */
const PLACES_MAX = 5;
/** Children of children that are asked for. */
const DEPTH_MAX = 20;

/** Where an open saga stands, and which command takes it on: for who would else see nothing happen. */
export function standingText(saga: SagaView): string {
  const { status, waiting } = saga;
  const isParked = status === "parked" || waiting?.kind === "person";
  const waits = waiting === null ? "" : `: waits for ${waitingText(waiting)}`;
  const lines = isParked ? parkedLines(saga) : [`${status}${waits}`, ...pausedLines(saga)];
  return [...lines, ...orders(saga)].join("\n");
}

/**
 * The saga on which one waits through children that are not parked themselves, if somebody must act on it: a parent says of its
 * child that it runs, not what that waits for. Absent where its own words already name it.
 */
export async function neededBelow(
  saga: SagaView,
  read: (sagaId: string) => Promise<SagaView>,
): Promise<SagaView | undefined> {
  if (saga.waiting?.child?.status === "parked") return undefined;
  let at = saga;
  for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
    const { waiting } = at;
    if (waiting?.kind === "person" || waiting?.kind === "signal") return at === saga ? undefined : at;
    if (waiting?.child === undefined) return undefined;
    at = await read(waiting.child.sagaId);
  }
  return undefined;
}

function pausedLines({ waiting }: SagaView): readonly string[] {
  const paused = waiting?.pausedGroup;
  return paused === undefined ? [] : [`consumer group ${paused.group} is paused${pausedText(paused)}`];
}

function parkedLines(saga: SagaView): readonly string[] {
  const { sagaId, steps, error, updatedAt } = saga;
  const parked = steps
    .filter((step) => step.status === "parked")
    .map((step) => ({ path: step.path, error: step.error }));
  const places = parked.length > 0 ? parked : [{ path: error?.step ?? "an unknown step", error }];
  const since = time(saga.waiting?.since ?? updatedAt);
  const lines = places.slice(0, PLACES_MAX).map((place) => {
    const why = place.error ?? error;
    const words = why === null ? "" : `: ${why.code}: ${why.message}`.replaceAll(/\s+/g, " ");
    return `parked at ${place.path} since ${since}${words}`;
  });
  const more = places.length - lines.length;
  return more > 0 ? [...lines, `… and at ${more} steps more: ekiden show ${sagaId}`] : lines;
}

function orders({ sagaId, status, waiting }: SagaView): readonly string[] {
  if (waiting?.kind === "person") {
    // A completed saga that is taken back cannot be cancelled.
    const others = `or skip, resolve, ${status === "parked" ? "cancel, " : ""}terminate`;
    return [`goes on with: ekiden retry ${sagaId} --reason "…"  (${others})`];
  }
  if (waiting?.kind === "signal")
    return [`goes on with: ekiden signal ${sagaId} ${waiting.signal ?? ""} --payload '…'`];
  if (waiting?.pausedGroup !== undefined) return [`goes on with: ${resumeOrder(waiting.pausedGroup)}`];
  if (waiting?.child?.status === "parked") return [`goes on with its child: ekiden show ${waiting.child.sagaId}`];
  return [];
}
