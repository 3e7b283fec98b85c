import type { Floor } from "./floors.ts";
import type { Run } from "./load.ts";
import type { Measured } from "./meters.ts";

/** All that one benchmark measured. */
export interface Figures {
  readonly kind: "embedded" | "kafka";
  readonly inFlight: number;
  readonly floors: readonly Floor[];
  readonly throughput: readonly Measured[];
  readonly failures: Measured;
  readonly idle: Measured;
  readonly residentMiB: number;
}

/** Where and how it was measured. */
export interface Setting {
  readonly command: string;
  readonly machine: string;
  readonly date: string;
}

/** Peers as quoted, not measured here: other machine state, same workload. */
const QUOTED = [
  ["Restate, 3 × ctx.run (quoted, another run)", 491, "9.2 / 12.5"],
  ["DBOS, runStep (quoted, another run)", 354, "7.9 / 10.9"],
] as const;

/** What is aimed at. The ratio: to the plain floor of that machine, 5,142 sagas a second. */
const MARKS = {
  embedded: { perSecond: "1,000", ratio: "0.194", p50: "15" },
  kafka: { perSecond: "400", ratio: "0.078", p50: "120" },
} as const;

/** The table that is committed, in Markdown. */
export function report(figures: Figures, setting: Setting): string {
  const { throughput, idle, failures, floors } = figures;
  const rates = throughput.map(({ perSecond }) => perSecond).sort((left, right) => left - right);
  const median = rates[Math.floor(rates.length / 2)] ?? 0;
  const typical = throughput.find(({ perSecond }) => perSecond === median) ?? idle;
  const mark = MARKS[figures.kind];
  const cpu = Object.entries(typical.cpuMs)
    .map(([name, spent]) => `${name} ${spent.toFixed(2)}`)
    .join(", ");
  const lines = [
    `# Benchmark: ${figures.kind} transport`,
    "",
    `${setting.date}, ${setting.machine}. Command: \`${setting.command}\`.`,
    "",
    "| | sagas/s: median (spread) | ratio to the plain floor | one at a time, p50 / p95 / p99 ms |",
    "|---|---|---|---|",
    ...floors.map((floor) => {
      const { idle: alone } = floor;
      return `| floor: ${floor.name} | ${spread(floor.rates)} | | ${times(alone)} |`;
    }),
    `| **Ekiden, ${figures.kind}** | **${spread(rates)}** | ${(median / middle(floors[0]?.rates ?? [])).toFixed(3)} | **${times(idle)}** |`,
    `| Ekiden, one saga in ten compensated | ${failures.perSecond.toFixed(0)} | | |`,
    `| mark, on the machine on which the peers were measured | ${mark.perSecond} | ${mark.ratio} | ${mark.p50} |`,
    ...QUOTED.map(([name, rate, latency]) => `| ${name} | ${rate} | | ${latency} |`),
    "",
    `${figures.inFlight} sagas in flight, closed loop over HTTP (\`?wait=60s\`), ${typical.sagas} sagas a run, ${throughput.length} runs after a warm-up;`,
    `under that load one saga takes p50 ${typical.p50.toFixed(0)} ms, p95 ${typical.p95.toFixed(0)} ms, p99 ${typical.p99.toFixed(0)} ms.`,
    `CPU in ms a saga: ${cpu}. The engine's resident memory after the load: ${figures.residentMiB.toFixed(0)} MiB.`,
    `Other programs took ${typical.foreignCores.toFixed(2)} cores meanwhile (idle run: ${idle.foreignCores.toFixed(2)}).`,
    "",
  ];
  return lines.join("\n");
}

function times(run: Run): string {
  return `${run.p50.toFixed(1)} / ${run.p95.toFixed(1)} / ${run.p99.toFixed(1)}`;
}

function middle(rates: readonly number[]): number {
  return [...rates].sort((left, right) => left - right)[Math.floor(rates.length / 2)] ?? Number.NaN;
}

function spread(rates: readonly number[]): string {
  return `${middle(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)})`;
}
