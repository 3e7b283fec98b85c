import type { Consumption, Message } from "../../data/shapes.ts";

/** Where the time of one message went, in the order of its way. */
export const HOPS = ["toTransport", "inTransport", "inQueue", "running"] as const;
export type Hop = (typeof HOPS)[number];

/** A message as a bar: when each hop ended. */
export interface Bar {
  readonly message: Message;
  readonly hops: readonly { readonly hop: Hop; readonly from: number; readonly to: number }[];
  readonly from: number;
  readonly to: number;
}

/** The consumption that moved the saga, or ran the step: the dispatcher's for what happened, else the domain's. */
function mainConsumption({ consumptions, topic }: Message): Consumption | undefined {
  const own = topic === "timeline" ? consumptions.find(({ group }) => group === "dispatcher") : consumptions[0];
  return own ?? consumptions[0];
}

/** Nobody is done with it: its bar grows. */
export function isPending(message: Message): boolean {
  return (mainConsumption(message)?.consumedAt ?? null) === null;
}

/** A message's bar; one that nobody has consumed yet lasts until now. */
export function barOf(message: Message, now: number): Bar {
  const consumption = mainConsumption(message);
  const from = Date.parse(message.requestedAt ?? consumption?.startedAt ?? new Date(now).toISOString());
  const ends: readonly (string | null | undefined)[] = [
    consumption?.recordedAt,
    consumption?.receivedAt,
    consumption?.startedAt,
    consumption === undefined ? undefined : (consumption.consumedAt ?? new Date(now).toISOString()),
  ];
  let last = from;
  const hops = HOPS.flatMap((hop, index) => {
    const end = ends[index];
    if (end === null || end === undefined) return [];
    // Clocks of several machines: a hop never goes back.
    const to = Math.max(last, Date.parse(end));
    const part = { hop, from: last, to };
    last = to;
    return [part];
  });
  return { message, hops, from, to: consumption === undefined ? now : last };
}

/** Idle time longer than this is folded. */
const IDLE_MS = 2_000;
/** A fold takes this share of the width. */
const FOLD = 0.03;

/** Places on a time axis without long idle times. */
export interface Scale {
  /** 0 to 1. */
  at(time: number): number;
  readonly folds: readonly { readonly at: number; readonly ms: number }[];
}

/** The axis of some bars. */
export function scaleOf(bars: readonly Bar[]): Scale {
  const busy = mergedOf(bars);
  const idle = busy.slice(1).map(({ from }, index) => from - (busy[index]?.to ?? from));
  const folded = idle.filter((ms) => ms > IDLE_MS).length;
  const shown =
    busy.reduce((sum, { from, to }) => sum + to - from, 0) + idle.reduce((sum, ms) => sum + (ms > IDLE_MS ? 0 : ms), 0);
  const room = Math.max(0.4, 1 - folded * FOLD);
  const fold = folded === 0 ? 0 : (1 - room) / folded;
  const unit = room / Math.max(1, shown);
  const starts: { readonly time: number; readonly at: number; readonly length: number }[] = [];
  const folds: { at: number; ms: number }[] = [];
  let at = 0;
  for (const [index, { from, to }] of busy.entries()) {
    const before = index === 0 ? 0 : (idle[index - 1] ?? 0);
    if (before > IDLE_MS) folds.push({ at: at + fold / 2, ms: before });
    at += before > IDLE_MS ? fold : before * unit;
    starts.push({ time: from, at, length: to - from });
    at += (to - from) * unit;
  }
  return {
    folds,
    at: (time) => {
      const start = starts.findLast((one) => one.time <= time) ?? starts[0];
      return start === undefined ? 0 : start.at + Math.min(start.length, Math.max(0, time - start.time)) * unit;
    },
  };
}

function mergedOf(bars: readonly Bar[]): readonly { readonly from: number; readonly to: number }[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of bars.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to) merged.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  return merged;
}
