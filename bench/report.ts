import type { Floor } from "./floors.ts";
import type { Run } from "./load.ts";
import type { Measured } from "./meters.ts";

/** The runs with so many sagas in flight. */
export interface Throughput {
  readonly inFlight: number;
  readonly runs: readonly Measured[];
}

/** All that one benchmark measured. */
export interface Figures {
  readonly kind: "embedded" | "kafka";
  readonly floors: readonly Floor[];
  readonly throughput: readonly Throughput[];
  readonly failures: Measured;
  readonly idle: Measured;
  readonly residentMiB: number;
  /** By process: what it spends while nobody calls, in percent of a core. */
  readonly quietPercent: Readonly<Record<string, number>>;
  /** The same work by several processes, one for each role. */
  readonly several?: {
    readonly processes: number;
    readonly throughput: readonly Throughput[];
    readonly idle: Measured;
  };
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
export function report({ kind, floors, failures, several, ...one }: Figures, setting: Setting): string {
  const floor = middle(floors[0]?.rates ?? []);
  const mark = MARKS[kind];
  const lines = [
    `# Benchmark: ${kind} transport`,
    "",
    `${setting.date}, ${setting.machine}. Command: \`${setting.command}\`.`,
    "",
    "| | sagas/s: median (spread) | ratio to the plain floor | one at a time, p50 / p95 / p99 ms |",
    "|---|---|---|---|",
    ...floors.map(({ name, rates, idle }) => `| floor: ${name} | ${spread(rates)} | | ${times(idle)} |`),
    ...rows(`**Ekiden, ${kind}**`, one, floor),
    `| Ekiden, one saga in ten compensated | ${failures.perSecond.toFixed(0)} | | |`,
    ...(several === undefined
      ? []
      : rows(`Ekiden in ${several.processes} processes, one for each role`, several, floor)),
    `| mark, on the machine on which the peers were measured | ${mark.perSecond} | ${mark.ratio} | ${mark.p50} |`,
    ...QUOTED.map(([name, rate, latency]) => `| ${name} | ${rate} | | ${latency} |`),
    "",
    `Closed loop over HTTP (\`?wait=60s\`), behind a warm-up of ${warmUpOf(one.throughput[0]?.runs[0]?.sagas ?? 0)} sagas.`,
    ...one.throughput.map(underLoad),
    `While nobody calls, from 10 s after the load on, in percent of a core: ${shares(one.quietPercent)}.`,
    `The engine's resident memory after the load: ${one.residentMiB.toFixed(0)} MiB.`,
    ...(several === undefined ? [] : [`In ${several.processes} processes:`, ...several.throughput.map(underLoad)]),
    `Other programs took ${one.idle.foreignCores.toFixed(2)} cores in the idle run.`,
    "",
  ];
  return lines.join("\n");
}

/** So many come before the first that is measured, when runs have `sagas`: until then compilers are at work in each program. */
export function warmUpOf(sagas: number): number {
  return Math.min(15_000, 5 * sagas);
}

/** A row for each number of sagas in flight; that of one at a time stands in the first. */
function rows(name: string, { throughput, idle }: Pick<Figures, "throughput" | "idle">, floor: number): string[] {
  return throughput.map(({ inFlight, runs }, at) => {
    const rates = runs.map(({ perSecond }) => perSecond);
    const ratio = (middle(rates) / floor).toFixed(3);
    return `| ${name}, ${inFlight} in flight | **${spread(rates)}** | ${ratio} | ${at === 0 ? `**${times(idle)}**` : ""} |`;
  });
}

function shares(percent: Figures["quietPercent"]): string {
  return Object.entries(percent)
    .map(([name, share]) => `${name} ${share.toFixed(1)}`)
    .join(", ");
}

function underLoad({ inFlight, runs }: Throughput): string {
  const median = middle(runs.map(({ perSecond }) => perSecond));
  const typical = runs.find(({ perSecond }) => perSecond === median) as Measured;
  const cpu = Object.entries(typical.cpuMs).map(([name, spent]) => `${name} ${spent.toFixed(2)}`);
  return (
    `With ${inFlight} in flight (${typical.sagas} sagas a run, ${runs.length} runs) one saga takes p50 ${typical.p50.toFixed(0)} ms, ` +
    `p95 ${typical.p95.toFixed(0)} ms, p99 ${typical.p99.toFixed(0)} ms; CPU in ms a saga: ${cpu.join(", ")}; ` +
    `other programs took ${typical.foreignCores.toFixed(2)} cores.`
  );
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
