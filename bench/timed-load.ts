import { setTimeout as sleep } from "node:timers/promises";

import type { Run, StartOne } from "./load.ts";

/**
 * A load that lasts some seconds. Closed: so many sagas in flight, the next one begins when one ends. Open: so many
 * begin a second, whether they end or not.
 */
export type Load =
  | { readonly seconds: number; readonly inFlight: number }
  | { readonly seconds: number; readonly perSecond: number };

/** Runs a load to the end of its last saga. Runs under Bun and Node alike: peers take it for their own. */
export function runTimed(start: StartOne, load: Load): Promise<Run> {
  return "inFlight" in load ? runClosed(start, load) : runOpen(start, load);
}

async function runClosed(start: StartOne, load: Load & { readonly inFlight: number }): Promise<Run> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const until = began + load.seconds * 1_000;
  const lane = async () => {
    do {
      const at = performance.now();
      await start(next++);
      times.push(performance.now() - at);
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: load.inFlight }, lane));
  return runOf(times, (performance.now() - began) / 1_000);
}

async function runOpen(start: StartOne, load: Load & { readonly perSecond: number }): Promise<Run> {
  const times: number[] = [];
  const running: Promise<void>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const began = performance.now();
  const count = Math.max(1, Math.round(load.seconds * load.perSecond));
  for (let number = 0; number < count && failure === undefined; number++) {
    const due = began + (number / load.perSecond) * 1_000;
    if (due > performance.now()) await sleep(due - performance.now());
    // From when it was due, not from when the loop came to it: else a stall would hide the sagas that it held up.
    running.push(
      start(number).then(
        () => void times.push(performance.now() - due),
        // Nobody waits for it before the last one has begun: it must not end the program meanwhile.
        (error: unknown) => {
          failure ??= { error };
        },
      ),
    );
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
  return runOf(times, (performance.now() - began) / 1_000);
}

function runOf(times: number[], seconds: number): Run {
  times.sort((left, right) => left - right);
  const percentile = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))] ?? 0;
  return {
    sagas: times.length,
    perSecond: times.length / seconds,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
  };
}
