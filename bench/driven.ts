import { createInterface } from "node:readline";

import type { Run, StartOne } from "./load.ts";
import { type Load, runTimed } from "./timed-load.ts";

/** What a driven program says on its standard output, one JSON line each; everything else there is its own affair. */
export type Said = { readonly ready: true } | { readonly run: Run } | { readonly failed: string };

/**
 * Runs the loads that are asked for on standard input, one JSON line each, until it is closed. Under Bun and Node alike.
 * The end of the input is the end of the program, so that none outlives the benchmark, whatever ends that.
 */
export async function serveLoads(start: StartOne): Promise<never> {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say({ run: await runTimed(start, JSON.parse(line) as Load) });
    } catch (error) {
      say({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.exit(0);
}

function say(said: Said): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
