import type { Retry } from "./definition.ts";

type Pause = Pick<Retry, "backoffMs" | "factor" | "maxMs" | "jitter">;

/** How long a step that runs while it is given up is left alone before its guard is tried again. */
export const GUARD_RETRY_MS = 1_000;

/** Whether a failed attempt is followed by another. `used` counts the attempts sent so far, the failed one included. */
export function mayRetry(policy: Pick<Retry, "attempts" | "never">, code: string, used: number): boolean {
  if (policy.never.includes(code)) return false;
  return policy.attempts === "forever" || used < policy.attempts;
}

/** Delay before the next attempt, in milliseconds: exponential, capped, spread by `seed` instead of by chance. */
export function retryDelayMs(policy: Pause, used: number, seed: string): number {
  const raw = Math.min(policy.maxMs, policy.backoffMs * policy.factor ** (used - 1));
  return Math.round(raw * (1 - policy.jitter * spread(`${seed}/${used}`)));
}

/** A number in [0, 1) that depends on the text alone (FNV-1a): a fold must find the same delay again. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash / 0x1_0000_0000;
}
