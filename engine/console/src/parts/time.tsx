import { useEffect, useState } from "preact/hooks";

import { between, clock, duration, moment } from "./format.ts";
import { t } from "./text.ts";

/** How long ago, or in how long; the moment itself is its title. */
export function Ago({ time }: { readonly time: string }) {
  useSecond();
  const since = between(time, null);
  const text = since >= 0 ? t("ago", { time: duration(since) }) : t("in", { time: duration(-since) });
  return (
    <time dateTime={time} title={moment(time)}>
      {text}
    </time>
  );
}

/** The time of day; the day is its title. */
export function Clock({ time }: { readonly time: string }) {
  return (
    <time dateTime={time} title={moment(time)}>
      {clock(time)}
    </time>
  );
}

/** How long something takes, or has taken so far. */
export function Lasting({ from, to }: { readonly from: string; readonly to: string | null }) {
  useSecond(to === null);
  return <span class="number">{duration(between(from, to))}</span>;
}

/** Draws again each second. */
export function useSecond(on = true): void {
  const [, again] = useState(0);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => again((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [on]);
}
