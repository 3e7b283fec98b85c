import { writeSync } from "node:fs";

import { errorCode } from "../timeline/database.ts";

const STDOUT = 1;
const FULL_PAUSE_MS = 5;

/** Whoever read our standard output has gone, as `head` does: nobody wants the rest. */
export class OutputClosed extends Error {}

/**
 * Writes a line to standard output, all of it, before it returns. `console.log` does not tell that the reader has gone,
 * and what `process.stdout.write` holds back is lost when the process ends. @throws OutputClosed
 */
export function writeLine(line: string): void {
  let rest: Uint8Array = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      if (errorCode(error) === "EPIPE") throw new OutputClosed();
      if (errorCode(error) !== "EAGAIN") throw error;
      // A pipe that is full, and that another program has set not to wait.
      Bun.sleepSync(FULL_PAUSE_MS);
    }
  }
}
