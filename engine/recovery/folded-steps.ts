import type { StepChange } from "../core/decision.ts";
import { errorOf } from "../core/draft.ts";
import type { Json } from "../core/json.ts";
import type { ChildEntry, StackEntry } from "../core/state.ts";
import type { StackQuery, Stored, StoredChange, StoredValue } from "../core/stored.ts";
import { OUTPUTS_MAX } from "../timeline/stored-steps.ts";

/** A row of `saga_step` as a fold makes it. An absent value is null in the table; a null that was given is kept. */
export interface FoldedStep {
  readonly path: string;
  status: string;
  attempts: number;
  output?: Json;
  error?: Json;
  startedAt: string | null;
  finishedAt: string | null;
  input?: Json;
  result?: Json;
  child?: ChildEntry;
  stacked?: number;
  forgotten?: true;
  /** The event that moved it last. */
  event: string;
}

/** The rows of one saga's steps in memory, changed as `timeline/step-write.ts` changes them, read as `stored-steps.ts` does. */
export class FoldedSteps implements Stored {
  readonly outputsMax = OUTPUTS_MAX;
  readonly rows = new Map<string, FoldedStep>();

  /** Takes in what one transition changed. */
  change(steps: readonly StepChange[], stored: readonly StoredChange[], now: string, event: string): void {
    for (const step of steps) this.#move(step, now, event);
    for (const { path, ...change } of stored) {
      const row = this.rows.get(path);
      if (row !== undefined) Object.assign(row, change, { event });
    }
  }

  #move(step: StepChange, now: string, event: string): void {
    const row = this.rows.get(step.path) ?? newRow(step.path);
    this.rows.set(step.path, row);
    row.event = event;
    row.status = step.status;
    row.attempts = Math.max(row.attempts, step.attempts ?? 0);
    if (step.output !== undefined) row.output = step.output;
    if (step.failure !== undefined) row.error = errorOf(step.failure) as unknown as Json;
    if (step.status === "succeeded" || step.status === "running") delete row.error;
    if (step.started) row.startedAt ??= now;
    if (step.finished) row.finishedAt = now;
  }

  values(paths: readonly string[]): ReadonlyMap<string, StoredValue> {
    const found = paths.map((path) => this.rows.get(path)).filter((row) => row !== undefined && !row.forgotten);
    return new Map(
      (found as FoldedStep[]).map(({ path, output, result }) => [
        path,
        { ...(output === undefined ? {} : { output }), ...(result === undefined ? {} : { result }) },
      ]),
    );
  }

  stack({ scope, except, below, limit }: StackQuery): readonly StackEntry[] {
    return this.#stacked()
      .filter(({ path, stacked = 0 }) => {
        if (below !== null && stacked >= below) return false;
        return (scope === "" || isInside(path, scope)) && !except.some((other) => isInside(path, other));
      })
      .sort((a, b) => (b.stacked ?? 0) - (a.stacked ?? 0))
      .slice(0, limit)
      .map(entryOf);
  }

  stackAt(path: string): StackEntry | undefined {
    const row = this.rows.get(path);
    return row === undefined || (row.stacked ?? 0) === 0 ? undefined : entryOf(row);
  }

  children(): readonly StackEntry[] {
    return this.#stacked()
      .filter(({ child }) => child !== undefined)
      .sort((a, b) => (a.stacked ?? 0) - (b.stacked ?? 0))
      .map(entryOf);
  }

  items(path: string, from: number, to: number): readonly Json[] {
    const input = this.rows.get(path)?.input;
    return Array.isArray(input) ? input.slice(from, to) : [];
  }

  results(path: string, last: string): ReadonlyMap<number, Json> {
    const found = new Map<number, Json>();
    for (const row of this.rows.values()) {
      if (row.output === undefined || !row.path.startsWith(`${path}[`)) continue;
      const [item = "", rest] = splitOnce(row.path.slice(path.length + 1), "]");
      if (rest === `/${last}`) found.set(Number(item), row.output);
    }
    return found;
  }

  #stacked(): FoldedStep[] {
    return [...this.rows.values()].filter(({ stacked = 0 }) => stacked > 0);
  }
}

function newRow(path: string): FoldedStep {
  return { path, status: "", attempts: 0, startedAt: null, finishedAt: null, event: "" };
}

function isInside(path: string, scope: string): boolean {
  return path.startsWith(`${scope}/`) || path.startsWith(`${scope}[`);
}

function splitOnce(text: string, at: string): readonly [string, string?] {
  const place = text.indexOf(at);
  return place === -1 ? [text] : [text.slice(0, place), text.slice(place + 1)];
}

function entryOf({ path, input, stacked = 0, output, result, child }: FoldedStep): StackEntry {
  const known = result === undefined ? output : result;
  return {
    path,
    input: input ?? null,
    place: stacked,
    ...(known === undefined ? {} : { output: known }),
    ...(child === undefined ? {} : { child }),
  };
}
