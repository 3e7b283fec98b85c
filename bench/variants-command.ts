import { join } from "node:path";

import { startEkiden } from "./contestants.ts";
import { machine } from "./machine.ts";
import { inRing } from "./peers-bench.ts";
import { fullTable, ratios } from "./peers-report.ts";
import { FULL, measureSideBySide, type Plan, type Say, type Side } from "./side-by-side.ts";
import { spread } from "./statistics.ts";
import { VARIANTS, type WorkloadName, WORKLOADS } from "./workloads.ts";

/** What `bun run bench variants` was asked for. */
export interface VariantsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly inFlight: number;
  readonly foreignMax: number;
  readonly only: readonly string[] | undefined;
  readonly command: string;
  readonly write: boolean;
}

/** Measures Ekiden with each workload, one after the other, each with an engine and a database of its own. */
export async function runVariants(options: VariantsOptions): Promise<void> {
  const names = VARIANTS.filter((name) => options.only?.includes(name) ?? true);
  if (names.length !== (options.only ?? names).length) throw new Error(`variants are: ${VARIANTS.join(", ")}`);
  const plan: Plan = { ...FULL, ...options, tries: [], inFlights: [], shares: [] };
  const sides: Side[] = [];
  for (const name of names) sides.push(await measureVariant(name, plan, (line) => console.error(line)));
  const page = variantsReport(sides, options);
  console.log(page);
  if (options.write) await Bun.write(join(import.meta.dir, "variants.md"), page);
}

function measureVariant(name: WorkloadName, plan: Plan, say: Say): Promise<Side> {
  return inRing(async (ring) => {
    const contestant = { ...(await startEkiden(ring, name)), name, title: WORKLOADS[name].title };
    const [side] = await measureSideBySide([contestant], ring.postgres, plan, say);
    if (side === undefined) throw new Error(`${name} was not measured`);
    return side;
  });
}

/** The page that is committed, in Markdown. */
function variantsReport(sides: readonly Side[], { command, inFlight, foreignMax }: VariantsOptions): string {
  const [base] = sides;
  const noisy = sides.flatMap((side) => side.saturation.filter(({ foreignCores }) => foreignCores > foreignMax));
  const lines = [
    "# Variants of the workload",
    "",
    `${new Date().toISOString().slice(0, 10)}, ${machine()}. Command: \`${command}\`.`,
    `${inFlight} sagas in flight at saturation; each variant has an engine and a PostgreSQL of its own, one after the other.`,
    "What each column means stands in [README.md](README.md#side-by-side).",
    "",
    ...fullTable(sides),
    "",
    `| | sagas/s, measured by those of "${base?.title}" |`,
    "|---|--:|",
    ...sides.map((side) => `| ${side.title} | ${base === undefined ? "" : spread(ratios(side, base), 2)} |`),
    "",
    `Runs at saturation in which other programs took more than ${foreignMax} cores: ${noisy.length} of ${sides.flatMap(({ saturation }) => saturation).length}.`,
    "",
  ];
  return lines.join("\n");
}
