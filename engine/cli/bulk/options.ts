import type { Command } from "commander";

import { durationMs } from "../../definition/duration.ts";
import { CliError, EXIT } from "../cli-error.ts";

const CONCURRENCY = 16;
const CONCURRENCY_MAX = 256;
const PATIENCE = "60s";

/** Options of a command that runs over many lines, as they were written. */
export interface BulkOptions {
  readonly concurrency?: string;
  readonly patience?: string;
  readonly wait?: string;
}

/** The same, understood. */
export interface BulkSettings {
  readonly concurrency: number;
  readonly patienceMs: number;
  readonly waitMs: number | undefined;
}

/** Adds them to a command; `many` says when they count. */
export function withBulk(command: Command, many: string): Command {
  return command
    .option("--concurrency <n>", `${many}: so many calls at once, ${CONCURRENCY} by default`)
    .option("--patience <duration>", `${many}: how long a busy or absent engine is waited for, ${PATIENCE} by default`);
}

/** @throws CliError that names the option */
export function bulkSettings({ concurrency, patience = PATIENCE, wait }: BulkOptions): BulkSettings {
  return {
    concurrency: concurrency === undefined ? CONCURRENCY : countOf(concurrency),
    patienceMs: duration("--patience", patience),
    waitMs: wait === undefined ? undefined : duration("--wait", wait),
  };
}

/** Options that mean nothing for one saga are refused rather than ignored. @throws CliError */
export function refuseBulk({ concurrency, patience }: BulkOptions, many: string): void {
  const [given] = Object.entries({ concurrency, patience }).find(([, value]) => value !== undefined) ?? [];
  if (given !== undefined) throw new CliError(EXIT.usage, `--${given} goes with ${many}`);
}

function countOf(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= CONCURRENCY_MAX) return count;
  throw new CliError(EXIT.usage, `--concurrency is "${text}", which is no number from 1 to ${CONCURRENCY_MAX}`);
}

function duration(option: string, text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new CliError(EXIT.usage, `${option} is "${text}", which is no duration like 30s or 5m`);
}
