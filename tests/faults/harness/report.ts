import { cpus } from "node:os";

import type { Outcome, Strike } from "./run.ts";
import { notDrawn } from "./vacuity.ts";

/** The run in a page: figures by mode, and each fault with its time to heal. */
export function report(outcomes: readonly Outcome[], seed: number): string {
  return [
    `Seed ${seed}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Bun ${Bun.version}.`,
    "",
    "| mode | seconds | sagas | completed | failed | cancelled | parked once | requests | consumptions | duplicates absorbed | faults | engine ends of its own | violations |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...outcomes.map(figuresOf),
    "",
    "| fault | fired | times | healed p50 | healed p95 | longest |",
    "|---|---|---|---|---|---|",
    ...timesOf(outcomes.flatMap(({ strikes }) => strikes)),
    "",
    ...outcomes.flatMap(notDrawnIn),
  ].join("\n");
}

/** What a run says nothing about. */
function notDrawnIn({ mode, strikes }: Outcome): string[] {
  const names = notDrawn(mode, strikes);
  return names.length === 0 ? [] : [`Not drawn in \`${mode}\`: ${names.join(", ")}.`, ""];
}

function figuresOf({ mode, figures, strikes, violations }: Outcome): string {
  const { sagas } = figures;
  const all = Object.values(sagas).reduce((sum, count) => sum + count, 0);
  const cells = [
    mode,
    figures.seconds,
    all,
    sagas["completed"] ?? 0,
    sagas["failed"] ?? 0,
    sagas["cancelled"] ?? 0,
    figures.parked,
    figures.requests,
    figures.consumptions,
    figures.duplicates,
    strikes.filter(({ fired }) => fired).length,
    figures.ownEnds,
    violations.length,
  ];
  return `| ${cells.join(" | ")} |`;
}

function timesOf(strikes: readonly Strike[]): string[] {
  const byFault = Map.groupBy(strikes, ({ fault }) => fault);
  return [...byFault]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([fault, all]) => {
      const healed = all.flatMap(({ healedMs }) => (healedMs === null ? [] : [healedMs])).toSorted((a, b) => a - b);
      const fired = all.filter((strike) => strike.fired).length;
      const cells = [fault, fired, all.length, share(healed, 0.5), share(healed, 0.95), share(healed, 1)];
      return `| ${cells.join(" | ")} |`;
    });
}

function share(sorted: readonly number[], part: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
  return value === undefined ? "-" : `${(value / 1000).toFixed(1)} s`;
}
