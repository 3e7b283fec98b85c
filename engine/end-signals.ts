import { readFileSync } from "node:fs";

/** Signals that ask a program to end tidily: Ctrl-C, a supervisor, a terminal that was closed. Not the last one under `nohup`. */
export function endSignals(): readonly NodeJS.Signals[] {
  return isHangUpIgnored() ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** Whoever listens to a signal takes it back from `nohup`. Where the system does not tell, a terminal as input stands for it. */
function isHangUpIgnored(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (ignored !== null) return (BigInt(`0x${ignored[1]}`) & 1n) === 1n;
  } catch {
    // Only Linux has it.
  }
  return !process.stdin.isTTY;
}
