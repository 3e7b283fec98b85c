import { expect, test } from "bun:test";
import { join } from "node:path";

import { inReadme, READMES, tableOfReadme } from "../../bench/peers-readme.ts";
import { peersCharts, peersReport, ratios, shortTable } from "../../bench/peers-report.ts";
import type { Sample, Side } from "../../bench/side-by-side.ts";
import { root } from "../architecture/project-files.ts";

function sample(perSecond: number, part: Partial<Sample> = {}): Sample {
  const cpuMs = { engine: 0.3, postgres: 0.25, load: 0.1 };
  return { sagas: 100, perSecond, p50: 3, p95: 6, p99: 9, cpuMs, foreignCores: 0.01, walBytes: 5_000, ...part };
}

function side(name: string, rates: readonly number[], part: Partial<Side> = {}): Side {
  return {
    name,
    title: name,
    inFlight: 150,
    saturation: rates.map((rate) => sample(rate)),
    idle: [sample(300)],
    half: [sample(500, { p50: 12 })],
    counters: { commits: 2.25, rowWrites: 43 },
    residentMiB: 120,
    idlePercent: 0.4,
    byInFlight: [
      { inFlight: 1, perSecond: 300 },
      { inFlight: 150, perSecond: 1_900 },
    ],
    byLoad: [{ perSecond: 100, p95: 5 }],
    thrownAway: 0,
    ...part,
  };
}

const ours = side("ekiden", [3_000, 2_000, 1_000]);
const dbos = side("dbos", [300, 250, 200]);
const restate = side("restate", [500, 250, 400]);
const setting = {
  date: "2026-01-01",
  machine: "two cores",
  command: "bench",
  versions: "PostgreSQL 18",
  foreignMax: 0.25,
};

test("sides are compared round by round, not by their medians", () => {
  expect(ratios(ours, dbos)).toEqual([10, 8, 5]);
  // The medians would say 2,000 / 400 = 5.
  expect(ratios(ours, restate)).toEqual([6, 8, 2.5]);
  expect(shortTable([ours, dbos])).toEqual([
    "| | sagas/s | Ekiden to it, same round | one saga, idle: p50 / p95 ms | CPU ms a saga |",
    "|---|--:|--:|--:|--:|",
    "| ekiden | 2,000 (1,000–3,000) |  | 3.0 / 6.0 | 0.65 |",
    "| dbos | 250 (200–300) | 8.00 (5.00–10.00) × | 3.0 / 6.0 | 0.65 |",
  ]);
});

test("the page says which marks are kept and which are missed, and keeps quiet of a peer that took no part", () => {
  const page = peersReport([ours, dbos], setting);

  expect(page.split("\n").filter((line) => /\| (?:kept|\*\*missed\*\*) \|$/.test(line))).toEqual([
    "| sagas/s, times those of DBOS | 8.00 | ≥ 8 | kept |",
    "| one saga, idle: p50 ms | 3.0 | ≤ 4 | kept |",
    "| one saga, idle: p95 ms | 6.0 | ≤ 8 | kept |",
    "| CPU ms a saga, all processes | 0.65 | ≤ 0.7 | kept |",
    "| WAL bytes a saga | 5,000 | ≤ 6,000 | kept |",
  ]);
  expect(peersReport([dbos, side("ekiden", [100]), restate], setting)).toContain("| ≥ 6 | **missed** |");
  expect(peersReport([dbos, restate], setting)).toContain("Ekiden took no part.");
});

test("a run that other programs disturbed is marked, and those thrown away are counted", () => {
  const disturbed = side("dbos", [], { saturation: [sample(300, { foreignCores: 0.8 }), sample(310)], thrownAway: 3 });

  const page = peersReport([ours, disturbed], setting);
  expect(page).toContain("| dbos | sagas/s | 300 (0.80 !), 310 (0.01) | 3 |");
  expect(page).toContain("Other programs took 0.01 (0.01–0.80) cores in these runs; in 1 of 9 more than 0.25.");
});

test("the charts have every side, with its saturation and its half load among the points", () => {
  const charts = peersCharts([ours, dbos]);

  expect(Object.keys(charts)).toEqual(["peers-throughput.svg", "peers-latency.svg"]);
  expect(charts["peers-throughput.svg"]).toContain("<title>ekiden: 150, 2,000</title>");
  // The short look by which it was chosen is not a point beside the rounds.
  expect(charts["peers-throughput.svg"]).not.toContain("1,900");
  expect(charts["peers-latency.svg"]).toContain("<title>ekiden: 1,000, 6</title>");
  for (const svg of Object.values(charts)) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("a run writes its table into both READMEs, and nothing else of them", async () => {
  for (const readme of READMES) {
    const text = await Bun.file(join(root, readme.file)).text();
    const written = inReadme(text, [ours, dbos], readme);
    expect(tableOfReadme(written)).toBe(shortTable([ours, dbos], readme.head).join("\n"));
    const around = (page: string) => page.split(tableOfReadme(page)).map((part) => part.trim());
    expect(around(written)).toEqual(around(text));
  }
  expect(() => inReadme("# A page", [ours], READMES[0] as (typeof READMES)[number])).toThrow("has no place");
});

test("both READMEs show the figures of bench/peers.md", async () => {
  const page = await Bun.file(join(root, "bench/peers.md")).text();
  for (const { file } of READMES) {
    const [, , ...rows] = tableOfReadme(await Bun.file(join(root, file)).text()).split("\n");
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  }
});
