import type { Setting } from "./report.ts";
import type { Sample, Side } from "./side-by-side.ts";
import { type Chart, type Line, lineChart } from "./line-chart.ts";
import { amount, median, spread } from "./statistics.ts";

/** Where and how a comparison was measured. */
export interface PeersSetting extends Setting {
  readonly versions: string;
  readonly foreignMax: number;
}

const CHARTS = { throughput: "peers-throughput.svg", latency: "peers-latency.svg" } as const;

/** The page that is committed, in Markdown. */
export function peersReport(sides: readonly Side[], setting: PeersSetting): string {
  const lines = [
    "# Side by side with peers",
    "",
    `${setting.date}, ${setting.machine}. ${setting.versions}. Command: \`${setting.command}\`.`,
    "What each column means, and what to mind, stands in [README.md](README.md#side-by-side).",
    "",
    ...shortTable(sides),
    "",
    disturbance(sides, setting),
    "",
    "## Marks",
    "",
    ...marks(sides),
    "",
    "## Throughput against sagas in flight, latency against load",
    "",
    `![sagas a second against sagas in flight](${CHARTS.throughput})`,
    `![latency against load](${CHARTS.latency})`,
    "",
    "## All figures",
    "",
    "Medians, and in parentheses the smallest and the largest of the rounds.",
    "",
    ...fullTable(sides),
    "",
    "## CPU by process, ms a saga at saturation",
    "",
    ...sides.map(({ title, saturation }) => `- ${title}: ${cpuSplit(saturation)}`),
    "",
    "## Rounds",
    "",
    ...rounds(sides, setting),
    "",
  ];
  return lines.join("\n");
}

/** What other programs took while it was measured: with much of it, the rates say little and the ratios more. */
function disturbance(sides: readonly Side[], { foreignMax }: PeersSetting): string {
  const runs = sides.flatMap(({ saturation, idle, half }) => [...saturation, ...idle, ...half]);
  const foreign = runs.map(({ foreignCores }) => foreignCores);
  const much = foreign.filter((cores) => cores > foreignMax).length;
  return `Other programs took ${spread(foreign, 2)} cores in these runs; in ${much} of ${runs.length} more than ${foreignMax}.`;
}

/** The rows for the README: what a reader asks first. */
export function shortTable(sides: readonly Side[], head: readonly string[] = SHORT_HEAD): string[] {
  const ours = oursOf(sides);
  return [
    `| | ${head.join(" | ")} |`,
    `|---|${head.map(() => "--:").join("|")}|`,
    ...sides.map((side) => {
      const { title, saturation, idle } = side;
      const cells = [
        spread(saturation.map(({ perSecond }) => perSecond)),
        side === ours || ours === undefined ? "" : `${spread(ratios(ours, side), 2)} ×`,
        `${amount(median(idle.map(({ p50 }) => p50)), 1)} / ${amount(median(idle.map(({ p95 }) => p95)), 1)}`,
        amount(median(saturation.map(cpuOf)), 2),
      ];
      return `| ${title} | ${cells.join(" | ")} |`;
    }),
  ];
}

function oursOf(sides: readonly Side[]): Side | undefined {
  return sides.find(({ name }) => name === "ekiden");
}

const SHORT_HEAD = ["sagas/s", "Ekiden to it, same round", "one saga, idle: p50 / p95 ms", "CPU ms a saga"];

/** How many times as many sagas a second one side does as another, round by round. */
export function ratios(ours: Side, other: Side): number[] {
  return ours.saturation.map(({ perSecond }, round) => perSecond / (other.saturation[round]?.perSecond ?? Number.NaN));
}

/** Every measure of every side, medians with their spread. */
export function fullTable(sides: readonly Side[]): string[] {
  const of = (samples: readonly Sample[], key: "p50" | "p95" | "p99") =>
    spread(
      samples.map((sample) => sample[key]),
      1,
    );
  const latency = (samples: readonly Sample[]) =>
    `${of(samples, "p50")} / ${of(samples, "p95")} / ${of(samples, "p99")}`;
  return [
    "| | sagas/s | in flight then | idle p50 / p95 / p99 ms | half load p50 / p95 / p99 ms | CPU ms a saga | commits / row writes a saga | WAL bytes a saga | resident MiB | CPU while idle, % of a core |",
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ...sides.map((side) => {
      const cells = [
        spread(side.saturation.map(({ perSecond }) => perSecond)),
        amount(side.inFlight),
        latency(side.idle),
        latency(side.half),
        spread(side.saturation.map(cpuOf), 2),
        `${amount(side.counters.commits, 2)} / ${amount(side.counters.rowWrites, 1)}`,
        spread(side.saturation.map(({ walBytes }) => walBytes)),
        amount(side.residentMiB),
        amount(side.idlePercent, 1),
      ];
      return `| ${side.title} | ${cells.join(" | ")} |`;
    }),
  ];
}

/** Sum over all processes, PostgreSQL's and the caller's included. */
function cpuOf({ cpuMs }: Sample): number {
  return Object.values(cpuMs).reduce((sum, one) => sum + one, 0);
}

function cpuSplit(samples: readonly Sample[]): string {
  return Object.keys(samples[0]?.cpuMs ?? {})
    .map((name) => `${name} ${amount(median(samples.map(({ cpuMs }) => cpuMs[name] ?? Number.NaN)), 2)}`)
    .join(", ");
}

function marks(sides: readonly Side[]): string[] {
  const ours = oursOf(sides);
  if (ours === undefined) return ["Ekiden took no part."];
  const named = (name: string) => sides.find((side) => side.name === name);
  const [restate, dbos] = [named("restate"), named("dbos")];
  const row = (what: string, value: number, digits: number, mark: string, kept: boolean) =>
    `| ${what} | ${amount(value, digits)} | ${mark} | ${kept ? "kept" : "**missed**"} |`;
  const atLeast = (what: string, value: number, least: number) => row(what, value, 2, `≥ ${least}`, value >= least);
  const atMost = (what: string, value: number, most: number, digits: number) =>
    row(what, value, digits, `≤ ${amount(most, most < 1 ? 1 : 0)}`, value <= most);
  return [
    "| | measured, median | mark | |",
    "|---|--:|--:|---|",
    ...(restate ? [atLeast("sagas/s, times those of Restate", median(ratios(ours, restate)), 6)] : []),
    ...(dbos ? [atLeast("sagas/s, times those of DBOS", median(ratios(ours, dbos)), 8)] : []),
    atMost("one saga, idle: p50 ms", median(ours.idle.map(({ p50 }) => p50)), 4, 1),
    atMost("one saga, idle: p95 ms", median(ours.idle.map(({ p95 }) => p95)), 8, 1),
    atMost("CPU ms a saga, all processes", median(ours.saturation.map(cpuOf)), 0.7, 2),
    atMost("WAL bytes a saga", median(ours.saturation.map(({ walBytes }) => walBytes)), 6_000, 0),
  ];
}

/** Every run, and what others took of the machine meanwhile. */
function rounds(sides: readonly Side[], { foreignMax }: PeersSetting): string[] {
  const cell = (sample: Sample, value: string) =>
    `${value} (${amount(sample.foreignCores, 2)}${sample.foreignCores > foreignMax ? " !" : ""})`;
  const all = ["saturation", "idle", "half"] as const;
  const title = { saturation: "sagas/s", idle: "idle p50 ms", half: "half load p50 ms" } as const;
  return [
    `Each run, and in parentheses the cores that other programs took meanwhile; \`!\`: more than ${foreignMax}, even when run again.`,
    "",
    "| | | rounds | thrown away |",
    "|---|---|---|--:|",
    ...sides.flatMap((side) =>
      all.map((kind) => {
        const values = side[kind].map((sample) =>
          cell(sample, kind === "saturation" ? amount(sample.perSecond) : amount(sample.p50, 1)),
        );
        return `| ${side.title} | ${title[kind]} | ${values.join(", ")} | ${kind === "saturation" ? side.thrownAway : ""} |`;
      }),
    ),
  ];
}

/** The charts by the name of their file. */
export function peersCharts(sides: readonly Side[]): Readonly<Record<string, string>> {
  const kindOf = ({ name }: Side) => (name === "ekiden" ? "ours" : name.startsWith("floor") ? "floor" : "peer");
  const line = (side: Side, points: Line["points"]): Line => ({ name: nameOf(side), kind: kindOf(side), points });
  const throughput: Chart = {
    title: "Sagas a second against sagas in flight",
    x: "sagas in flight",
    y: "sagas a second",
    lines: sides.map((side) =>
      line(side, [
        ...side.byInFlight
          .filter(({ inFlight }) => inFlight !== side.inFlight)
          .map((point) => [point.inFlight, point.perSecond] as const),
        [side.inFlight, median(side.saturation.map(({ perSecond }) => perSecond))],
      ]),
    ),
  };
  const latency: Chart = {
    title: "95 % of sagas end within: latency against load",
    x: "sagas begun a second",
    y: "p95, ms",
    lines: sides.map((side) =>
      line(side, [
        ...side.byLoad.map((point) => [point.perSecond, point.p95] as const),
        [median(side.saturation.map(({ perSecond }) => perSecond)) / 2, median(side.half.map(({ p95 }) => p95))],
      ]),
    ),
  };
  return { [CHARTS.throughput]: lineChart(throughput), [CHARTS.latency]: lineChart(latency) };
}

/** A title as a chart has room for it. */
function nameOf({ name, title }: Side): string {
  return name.startsWith("floor-") ? `floor: ${name.slice("floor-".length)}` : title.replaceAll("*", "");
}
