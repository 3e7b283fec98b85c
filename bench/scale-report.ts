import type { Side } from "./side-by-side.ts";
import { amount, median, spread } from "./statistics.ts";

/** What one scenario has found. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

const HEAD = `# Scale

What many rows, definitions, items, open sagas and timers cost. Each section has the command that wrote it, and can be
measured alone. What the columns mean stands in [README.md](README.md#side-by-side).
`;

/** The page with a section put in the place of its older one, or behind all others. */
export function withSection(page: string, section: Section): string {
  const [, ...others] = page.split(/^(?=## )/m);
  const text = `## ${section.title}\n\n${section.lines.join("\n")}\n`;
  const at = others.findIndex((other) => other.startsWith(`## ${section.title}\n`));
  const kept = others.map((other) => `${other.trimEnd()}\n`);
  const all = at < 0 ? [...kept, text] : kept.with(at, text);
  return `${HEAD}\n${all.join("\n")}`;
}

/** What the neutral workload costs in each situation, and by how much more than in the first. */
export function costTable(sides: readonly Side[]): string[] {
  const [base] = sides;
  const cost = (side: Side) =>
    median(side.saturation.map(({ cpuMs }) => (cpuMs["engine"] ?? 0) + (cpuMs["postgres"] ?? 0)));
  return [
    "| | sagas/s | CPU ms a saga, engine and PostgreSQL | measured by the first | WAL bytes a saga | one saga, idle: p50 / p95 ms | engine, resident MiB |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...sides.map((side) => {
      const cells = [
        spread(side.saturation.map(({ perSecond }) => perSecond)),
        amount(cost(side), 2),
        `${amount(cost(side) / cost(base ?? side), 2)} ×`,
        amount(median(side.saturation.map(({ walBytes }) => walBytes))),
        `${amount(median(side.idle.map(({ p50 }) => p50)), 1)} / ${amount(median(side.idle.map(({ p95 }) => p95)), 1)}`,
        amount(side.residentMiB),
      ];
      return `| ${side.title} | ${cells.join(" | ")} |`;
    }),
    "",
    `Other programs took at most ${amount(Math.max(...sides.flatMap(({ saturation }) => saturation.map(({ foreignCores }) => foreignCores))), 2)} cores in a run at saturation.`,
  ];
}
