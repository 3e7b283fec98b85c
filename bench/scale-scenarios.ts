import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Ring } from "./contestants.ts";
import { signalMany, startMany, untilCompleted } from "./many-sagas.ts";
import { walPosition } from "./meters.ts";
import { Probe } from "./probe.ts";
import { cpuSeconds } from "./processes.ts";
import { costTable, type Section } from "./scale-report.ts";
import type { Plan, Say, Side } from "./side-by-side.ts";
import { amount, spread } from "./statistics.ts";

/** One scenario: what it puts on an engine, and what that then costs. `size`: of what there are many. */
export type Scenario = (ring: Ring, size: number, plan: Plan, say: Say) => Promise<Section>;

/** The cost of a saga on an empty history, and when so many rows lie in the engine's tables: sagas made them. */
export const history: Scenario = async (ring, size, plan, say) => {
  const probe = await Probe.start(ring, plan, say, { database: "bench_history" });
  const sides: Side[] = [await probe.cost("empty")];
  // Beside the whole, its tenth: a cost that grows shows where it begins to.
  for (const target of [size / 10, size]) {
    for (let rows = await probe.historyRows(); rows < target; rows = await probe.historyRows()) {
      say(`history: ${amount(rows)} of ${amount(target)} rows`);
      const { perSecond } = await probe.run({ seconds: 2, inFlight: plan.inFlight });
      const [row] = await probe.sql<{ sagas: number }[]>`select count(*)::int as sagas from contract.contract`;
      const perSaga = Math.max(1, rows / Math.max(1, row?.sagas ?? 1));
      const seconds = Math.min(60, Math.max(1, (target - rows) / perSaga / perSecond));
      await probe.run({ seconds, inFlight: plan.inFlight });
    }
    sides.push(await probe.cost(`${amount(await probe.historyRows())} rows of history`));
  }
  const lines = ["The rows were made by sagas of the same workload; the tables were vacuumed before each look."];
  return { title: "Rows of history", lines: [...costTable(sides), "", ...lines] };
};

/** The cost of a saga when it is one of so many definitions, all in use. */
export const definitions: Scenario = async (ring, size, plan, say) => {
  const few = await Probe.start(ring, plan, say, { database: "bench_few" });
  const base = await few.cost("the definitions of the benchmark");
  await few.engine.stop();
  const domains = await manyDefinitions(ring, size);
  const many = await Probe.start(ring, plan, say, { database: "bench_many", domains, many: size });
  const side = await many.cost(`${amount(size)} more, all in use`);
  return {
    title: "Definitions",
    lines: [
      ...costTable([base, side]),
      "",
      `The first start, which stores them all, took ${amount(many.startedMs / 1_000, 1)} s, that with the few ${amount(few.startedMs / 1_000, 1)} s.`,
    ],
  };
};

/** One saga with so many items of `each`, and what another caller sees of the engine meanwhile. */
export const each: Scenario = async (ring, size, plan, say) => {
  const probe = await Probe.start(ring, plan, say, { database: "bench_each" });
  await probe.run({ seconds: plan.warmUpSeconds, inFlight: plan.inFlight });
  await probe.sql`checkpoint`;
  const meter = await begin(ring, probe);
  const items = Array.from({ length: size }, (_none, at) => String(at));
  await startMany(probe.engine.url, "each", 1, () => ({ items }));
  const { alone, top } = await meanwhile(probe, untilCompleted(probe.sql, "each", 1));
  const spent = await meter(size);
  const [row] = await probe.sql<{ rows: number }[]>`select count(*)::int as rows from application.entry`;
  if (row?.rows !== size) throw new Error(`${size} items, ${row?.rows} rows`);
  return {
    title: "One saga with many items of `each`",
    lines: [
      `${amount(size)} items, one insert each, 50 at a time: ${amount(spent.seconds, 1)} s, ${amount(size / spent.seconds)} items/s;`,
      `${spent.text} an item, what the other caller cost included. Memory of the engine: at most ${amount(top)} MiB.`,
      `Meanwhile one saga of three steps after another took ${alone}.`,
    ],
  };
};

/** So many sagas that wait for a signal: what they cost while they wait, and how fast they go on. */
export const waiting: Scenario = async (ring, size, plan, say) => {
  const probe = await Probe.start(ring, plan, say, { database: "bench_waiting" });
  const base = await probe.cost("none");
  const idleBefore = await probe.idle();
  const began = performance.now();
  const ids = await startMany(probe.engine.url, "waiting", size, (number) => ({ number }));
  const startSeconds = (performance.now() - began) / 1_000;
  say(`waiting: ${amount(size)} started in ${amount(startSeconds)} s`);
  const side = await probe.cost(`${amount(size)} sagas wait`);
  const idleAfter = await probe.idle();
  const signalled = performance.now();
  await signalMany(probe.engine.url, ids, "go");
  const signalSeconds = (performance.now() - signalled) / 1_000;
  await untilCompleted(probe.sql, "waiting", size);
  const endSeconds = (performance.now() - signalled) / 1_000;
  const idle = (one: { engine: number; postgres: number }) =>
    `engine ${amount(one.engine, 1)} %, PostgreSQL ${amount(one.postgres, 1)} % of a core`;
  return {
    title: "Waiting sagas",
    lines: [
      ...costTable([base, side]),
      "",
      `Idle before: ${idle(idleBefore)}; with ${amount(size)} sagas waiting: ${idle(idleAfter)}.`,
      `Started at ${amount(size / startSeconds)} a second; signalled at ${amount(size / signalSeconds)} a second, all had ended ${amount(endSeconds, 1)} s after the first signal.`,
    ],
  };
};

/** So many timers that are due at the same moment: how late the last one is, and what another caller sees meanwhile. */
export const timers: Scenario = async (ring, size, plan, say) => {
  const probe = await Probe.start(ring, plan, say, { database: "bench_timers" });
  await probe.run({ seconds: plan.warmUpSeconds, inFlight: plan.inFlight });
  const { startSeconds, due, trial } = await startSleepers(probe, size, say);
  const [row] = await probe.sql<{ waiting: number }[]>`select count(*)::int as waiting from timeline.timer`;
  await probe.sql`checkpoint`;
  await Bun.sleep(Math.max(0, due.getTime() - Date.now()));
  const meter = await begin(ring, probe);
  const { alone, top } = await meanwhile(probe, untilCompleted(probe.sql, "sleeping", size + trial));
  const spent = await meter(size);
  const [late] = await probe.sql<{ half: number; last: number }[]>`
    select extract(epoch from percentile_disc(0.5) within group (order by created_at) - ${due.toISOString()}::timestamptz)::float8 as half,
      extract(epoch from max(created_at) - ${due.toISOString()}::timestamptz)::float8 as last
    from application.entry
  `;
  return {
    title: "Timers due at once",
    lines: [
      `${amount(row?.waiting ?? 0)} of ${amount(size)} timers were waiting when the moment came (the sagas were started in ${amount(startSeconds)} s).`,
      `The row behind the sleep was written ${amount(late?.half ?? 0, 1)} s after it for half of them and ${amount(late?.last ?? 0, 1)} s for the last;`,
      `all had ended after ${amount(spent.seconds, 1)} s, ${amount(size / spent.seconds)} sagas/s; ${spent.text} a saga, what the other caller cost included. Memory of the engine: at most ${amount(top)} MiB.`,
      `Meanwhile one saga of three steps after another took ${alone}.`,
    ],
  };
};

/** Starts the sagas so that all of them sleep before the moment comes; some that go before tell how long that takes. */
async function startSleepers(probe: Probe, size: number, say: Say): Promise<Sleepers> {
  const trial = Math.ceil(size / 20);
  const seconds = await timed(() =>
    startMany(probe.engine.url, "sleeping", trial, () => ({ at: soon().toISOString() })),
  );
  await untilCompleted(probe.sql, "sleeping", trial);
  await probe.sql`truncate application.entry`;
  const due = soon(seconds * 20 * 1.5 + 10);
  say(`timers: due at ${due.toISOString()}`);
  const startSeconds = await timed(() =>
    startMany(probe.engine.url, "sleeping", size, () => ({ at: due.toISOString() })),
  );
  return { startSeconds, due, trial };
}

interface Sleepers {
  readonly startSeconds: number;
  readonly due: Date;
  /** Sagas of the same definition that ended before. */
  readonly trial: number;
}

function soon(seconds = 1): Date {
  return new Date(Date.now() + seconds * 1_000);
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return (performance.now() - began) / 1_000;
}

/** The definitions of the benchmark, and so many more like its first; inside the project, as domains import it. */
async function manyDefinitions({ closing }: Ring, count: number): Promise<string> {
  const source = join(import.meta.dir, "domains");
  const home = resolve(import.meta.dir, "../.ekiden");
  await mkdir(home, { recursive: true });
  const folder = await mkdtemp(join(home, "bench-domains-"));
  closing.add(() => rm(folder, { recursive: true, force: true }));
  await cp(source, folder, { recursive: true });
  const three = await readFile(join(source, "three.saga.yaml"), "utf8");
  for (let number = 0; number < count; number++) {
    await writeFile(join(folder, `many_${number}.saga.yaml`), three.replace("saga: three", `saga: many_${number}`));
  }
  return folder;
}

/** Looks at what is spent; the look at the end says it for each of so many. */
async function begin(ring: Ring, probe: Probe) {
  const pids = { engine: probe.engine.pid, postgres: ring.postgres.pid };
  const cpu = Object.entries(pids).map(([name, pid]) => [name, pid, cpuSeconds(pid)] as const);
  const wal = await walPosition(probe.sql);
  const began = performance.now();
  return async (count: number) => {
    const seconds = (performance.now() - began) / 1_000;
    const spent = cpu.map(([name, pid, was]) => `${name} ${amount(((cpuSeconds(pid) - was) * 1_000) / count, 2)}`);
    const walBytes = ((await walPosition(probe.sql)) - wal) / count;
    return { seconds, text: `CPU ms ${spent.join(", ")}, WAL ${amount(walBytes)} bytes` };
  };
}

/** Until something has ended: one saga of the workload after another, and the most memory that was seen. */
async function meanwhile(probe: Probe, end: Promise<void>): Promise<{ readonly alone: string; readonly top: number }> {
  let ended = false;
  const watched = end.finally(() => {
    ended = true;
  });
  const p50: number[] = [];
  const p95: number[] = [];
  let top = 0;
  try {
    while (!ended) {
      const run = await probe.run({ seconds: 0.5, inFlight: 1 });
      p50.push(run.p50);
      p95.push(run.p95);
      top = Math.max(top, probe.residentMiB);
    }
  } finally {
    await watched;
  }
  return { alone: `p50 ${spread(p50, 1)} ms, p95 ${spread(p95, 1)} ms (in looks of half a second)`, top };
}
