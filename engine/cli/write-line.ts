import { writeSync } from "node:fs";

import { oneLine, printable } from "../telemetry/printable.ts";
import { errorCode } from "../timeline/database.ts";

const STDOUT = 1;
const FULL_PAUSE_MS = 5;
const CLEAR = "\r\u001b[K";

/** Whoever read our standard output has gone, as `head` does: nobody wants the rest. */
export class OutputClosed extends Error {}

// All that commands write goes through this file: no control character of a value from outside reaches a terminal.

/**
 * Writes a line to standard output, all of it, before it returns. `console.log` does not tell that the reader has gone,
 * and what `process.stdout.write` holds back is lost when the process ends. @throws OutputClosed
 */
export function writeLine(line: string): void {
  let rest: Uint8Array = Buffer.from(`${printable(line)}\n`);
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

/** Writes to standard output what ends a command whose exit code says the same: with no reader it goes unread. */
export function say(text: string): void {
  console.log(printable(text));
}

/** Writes a line to standard error. */
export function writeError(line: string): void {
  console.error(printable(line));
}

/** Draws a line on the terminal of standard error, over the one that was drawn before. */
export function drawLine(line: string): void {
  // One column less than the terminal has: a full last column would wrap, and then the line is not taken away.
  const columns = Math.max(20, (process.stderr.columns || 80) - 1);
  process.stderr.write(`${CLEAR}${oneLine(line).slice(0, columns)}`);
}

/** Takes the drawn line away. */
export function clearLine(): void {
  process.stderr.write(CLEAR);
}
