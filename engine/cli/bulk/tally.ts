import { EXIT, type ExitCode } from "../cli-error.ts";
import type { Advance } from "../progress.ts";
import type { LineResult } from "./result.ts";

/** Standings at which a saga does not move and yet is not where it should be, or is still on its way. */
const UNSETTLED = ["parked", "terminated", "running", "compensating"];

/** Counts what became of the lines. */
export class Tally {
  lines = 0;
  /** Bytes of the input that have been dealt with, roughly: lines end out of order. */
  bytes = 0;
  readonly results = new Map<LineResult["result"], number>();
  /** Where the sagas stand, with `--wait`. A saga that two lines name counts once for each. */
  readonly standings = new Map<string, number>();

  add({ result, standing }: LineResult, end: number): void {
    this.lines++;
    this.bytes = Math.max(this.bytes, end);
    this.results.set(result, (this.results.get(result) ?? 0) + 1);
    if (standing !== undefined) this.standings.set(standing, (this.standings.get(standing) ?? 0) + 1);
  }

  of(result: LineResult["result"]): number {
    return this.results.get(result) ?? 0;
  }

  /** The exit code of a run that got to its end. */
  get exit(): ExitCode {
    if (this.of("refused") > 0) return EXIT.refused;
    return UNSETTLED.some((standing) => this.standings.has(standing)) ? EXIT.notCompleted : EXIT.done;
  }

  /** `3 started, 1 known, 0 refused` */
  counts(did: "started" | "signalled"): string {
    return ([did, "known", "refused"] as const).map((result) => `${this.of(result)} ${result}`).join(", ");
  }

  /** How far the run is; `total`: the input's bytes, where its end is known. */
  advance(did: "started" | "signalled", total: number | undefined): Advance {
    const share = total === undefined || total === 0 ? undefined : Math.min(1, this.bytes / total);
    return { counts: this.counts(did), done: this.lines, share };
  }

  /** Rows of the summary: each standing and how many sagas are there, the most first. */
  rows(): (readonly [standing: string, sagas: string])[] {
    return [...this.standings].sort(([, a], [, b]) => b - a).map(([standing, count]) => [standing, String(count)]);
  }
}
