import type { Holder } from "./pid-file.ts";
import { identifyProcess } from "./process-identity.ts";
import { waitUntil } from "./wait-until.ts";

/** A signal and how long the process may take to end after it, in milliseconds. */
export interface StopStage {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

/** Sends one signal after the other until the process is gone. False: it survived them all. */
export async function stopProcess({ pid, identity }: Holder, stages: readonly StopStage[]): Promise<boolean> {
  const gone = async () => ((await identifyProcess(pid)) === identity ? undefined : true);
  for (const { signal, graceMs } of stages) {
    if (await gone()) return true;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the question and the signal; the next question says so.
    }
    if (await waitUntil(gone, { timeoutMs: graceMs })) return true;
  }
  return false;
}
