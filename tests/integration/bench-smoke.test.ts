import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { comparePeers, OWN_SIDES } from "../../bench/peers-bench.ts";
import { peersCharts, peersReport } from "../../bench/peers-report.ts";
import { type Contestant, createPeerDatabase, type Ring } from "../../bench/contestants.ts";
import { measureSideBySide, type Plan } from "../../bench/side-by-side.ts";
import { CONCLUDED } from "../../bench/workloads.ts";
import { Closing } from "../../engine/closing.ts";
import { testPostgres } from "../support/postgres.ts";

const closing = new Closing();

afterAll(() => closing.run(), 60_000);

/** Everything that a run does, in a moment each. */
const MOMENT: Plan = {
  rounds: 2,
  seconds: 0.1,
  warmUpSeconds: 0.05,
  inFlight: 4,
  tries: [1, 4],
  foreignMax: Number.POSITIVE_INFINITY,
  inFlights: [2],
  shares: [0.25],
  countsToldMs: 0,
};

async function openRing(): Promise<Ring> {
  const home = await mkdtemp(join(tmpdir(), "ekiden-bench-"));
  closing.add(() => rm(home, { recursive: true, force: true }));
  return { postgres: await testPostgres(), home, closing };
}

test("Ekiden and the floors are measured side by side, by every measure", async () => {
  const ring = await openRing();

  const sides = await comparePeers(ring, OWN_SIDES, MOMENT, () => {});

  expect(sides.map((side) => [side.name, side.saturation.length, side.idle.length, side.half.length])).toEqual(
    OWN_SIDES.map((name) => [name, 2, 2, 2]),
  );
  for (const { saturation, inFlight, byInFlight } of sides) {
    const [best] = byInFlight
      .filter((point) => [1, 4].includes(point.inFlight))
      .sort((a, b) => b.perSecond - a.perSecond);
    expect(inFlight).toBe(best?.inFlight as number);
    for (const { sagas, perSecond, p50, walBytes, cpuMs } of saturation) {
      expect([sagas, perSecond, p50, walBytes].every((value) => value > 0)).toBe(true);
      expect(Object.keys(cpuMs)).toContain("postgres");
    }
  }
  expect(Object.keys(sides[0]?.saturation[0]?.cpuMs ?? {})).toEqual(["engine", "load", "postgres"]);
  const setting = { date: "", machine: "", command: "", versions: "", foreignMax: 1 };
  expect(peersReport(sides, setting)).not.toMatch(/NaN|undefined/);
  for (const svg of Object.values(peersCharts(sides))) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
}, 60_000);

test("a side that says more sagas than it has effects gets no figures", async () => {
  const ring = await openRing();
  await createPeerDatabase(ring, "bench_boasting");
  const boasting: Contestant = {
    name: "boasting",
    title: "",
    database: "bench_boasting",
    ended: CONCLUDED,
    pids: { program: process.pid },
    run: async () => ({ sagas: 10, perSecond: 10, p50: 1, p95: 1, p99: 1 }),
  };
  const once: Plan = { ...MOMENT, rounds: 1, tries: [], inFlights: [], shares: [] };

  await expect(measureSideBySide([boasting], ring.postgres, once, () => {})).rejects.toThrow(
    "boasting: 40 sagas ended, 0 have their effects",
  );
}, 60_000);
