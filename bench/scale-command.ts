import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { machine } from "./machine.ts";
import { inRing } from "./peers-bench.ts";
import { type Section, withSection } from "./scale-report.ts";
import { definitions, each, history, type Scenario, timers, waiting } from "./scale-scenarios.ts";
import { FULL, type Plan } from "./side-by-side.ts";

/** By flag: the scenario, and how many there are of what it is about unless the flag says otherwise. */
const SCENARIOS: Readonly<Record<string, readonly [Scenario, size: number]>> = {
  history: [history, 1_000_000],
  definitions: [definitions, 1_000],
  each: [each, 10_000],
  waiting: [waiting, 100_000],
  timers: [timers, 100_000],
};

/** What `bun run bench scale` was asked for. */
export interface ScaleOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly inFlight: number;
  readonly foreignMax: number;
  /** Scenario → its size; without any, all at their own sizes. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly write: boolean;
}

/** Runs scenarios one after the other, each on an engine and a PostgreSQL of its own, and keeps each as soon as it is known. */
export async function runScale(options: ScaleOptions): Promise<void> {
  const plan: Plan = { ...FULL, ...options, tries: [], inFlights: [], shares: [], countsToldMs: 0 };
  const chosen = Object.keys(options.sizes).length > 0 ? Object.keys(options.sizes) : Object.keys(SCENARIOS);
  for (const name of chosen) {
    const [scenario, usual] = SCENARIOS[name] ?? [];
    if (scenario === undefined || usual === undefined) throw new Error(`no scenario "${name}"`);
    const size = options.sizes[name] ?? usual;
    const began = performance.now();
    const found = await inRing((ring) => scenario(ring, size, plan, (line) => console.error(line)));
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    const command = `\`bun run bench scale --${name} ${size} --write\``;
    const when = `${new Date().toISOString().slice(0, 10)}, ${machine()}; ${command}, ${minutes} minutes.`;
    await keep({ title: found.title, lines: [...found.lines, "", when] }, options.write);
  }
}

async function keep(section: Section, write: boolean): Promise<void> {
  console.log(`## ${section.title}\n\n${section.lines.join("\n")}\n`);
  if (!write) return;
  const path = join(import.meta.dir, "scale.md");
  await Bun.write(path, withSection(await readFile(path, "utf8").catch(() => ""), section));
}
