/**
 * `bun run bench:size`: what a transition costs late in a large saga, measured by what it costs early, with the embedded
 * PostgreSQL. Prints a table and writes bench/size.md.
 */
import { rm } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";

import type { JsonObject } from "../engine/core/json.ts";
import { startEmbeddedPostgres } from "../engine/stack/embedded-postgres.ts";
import { benchHome } from "./engine-under-test.ts";
import { type Cost, chain, type Happened, LIST, LongSaga } from "./long-saga.ts";

/** Transitions that are measured at each place; the middle one counts. */
const SAMPLE = 60;
const RATIO_MAX = 1.5;
const WARM_UP = 100;

interface Row {
  readonly what: string;
  readonly early: readonly Cost[];
  readonly late: readonly Cost[];
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_none, index) => from + index);
}

async function measure(indexes: readonly number[], apply: (index: number) => Promise<Cost>): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const index of indexes) costs.push(await apply(index));
  return costs;
}

const done = (path: string, output: JsonObject): Happened => ["step.succeeded", { output }, path];
const undone = (step: number): Happened => ["compensation.succeeded", {}, `s${step}`];

/** As many early steps as late ones: sagas of 10 steps, one after the other, and one of 500. */
async function chains(long: LongSaga, short: readonly LongSaga[]): Promise<Row[]> {
  const early: Cost[] = [];
  const earlyBack: Cost[] = [];
  for (const saga of short) {
    await saga.start();
    const costs = await measure(numbers(0, 9), (step) => saga.succeed(`s${step}`, { n: step }));
    early.push(...costs.slice(3, 7));
    await saga.apply("step.rejected", { code: "refused", message: "no" }, "s9");
    const back = await measure(numbers(0, 9), (index) => saga.apply(...undone(8 - index)));
    earlyBack.push(...back.slice(2, 6));
  }
  await long.start();
  await long.pass(numbers(0, 500 - SAMPLE).map((step) => done(`s${step}`, { n: step })));
  const late = await measure(numbers(500 - SAMPLE, 500), (step) => long.succeed(`s${step}`, { n: step }));
  await long.apply("step.rejected", { code: "refused", message: "no" }, "s500");
  const lateBack = await measure(numbers(0, SAMPLE), (index) => long.apply(...undone(499 - index)));
  return [
    { what: "step 500 to step 5", early, late },
    { what: "undoing step 500 to undoing step 5", early: earlyBack, late: lateBack },
  ];
}

async function list(saga: LongSaga): Promise<Row> {
  await saga.start();
  const pack = (item: number) => saga.succeed(`ship[${item}]/pack`, { box: item });
  const early = await measure(numbers(0, SAMPLE), pack);
  await saga.pass(numbers(SAMPLE, 9_000).map((item) => done(`ship[${item}]/pack`, { box: item })));
  const late = await measure(numbers(9_000, 9_000 + SAMPLE), pack);
  return { what: "item 9,000 to item 10 of 10,000", early, late };
}

function middle(costs: readonly Cost[], part: keyof Cost): number {
  const sorted = costs.map((cost) => cost[part]).toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(rows: readonly Row[]): string {
  const pair = ({ early, late }: Row, part: keyof Cost, digits: number) => {
    const [before, after] = [middle(early, part), middle(late, part)];
    return `${before.toFixed(digits)} → ${after.toFixed(digits)} (${(after / before).toFixed(2)})`;
  };
  const lines = rows.map((row) => {
    const cells = [
      pair(row, "ms", 2),
      pair(row, "walBytes", 0),
      pair(row, "stateBytes", 0),
      pair(row, "statements", 0),
    ];
    return `| ${[row.what, ...cells].join(" | ")} |`;
  });
  return `# What a transition costs in a large saga

Written by \`bun run bench:size\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Bun ${Bun.version}. Embedded
PostgreSQL; each transition in a transaction of its own; the middle of ${SAMPLE} at each place, early and late, and their ratio. Mark: at
most ${RATIO_MAX}.

| | milliseconds | bytes of WAL | bytes of state | statements |
|---|---|---|---|---|
${lines.join("\n")}
`;
}

const home = await benchHome();
const postgres = await startEmbeddedPostgres({ home });
const open: LongSaga[] = [];
const create = async (source: string, input: Parameters<typeof LongSaga.create>[2]) => {
  const saga = await LongSaga.create(postgres.url, source, input);
  open.push(saga);
  return saga;
};
try {
  const warm = await create(chain(WARM_UP + 1), { n: 0 });
  await warm.start();
  await measure(numbers(0, WARM_UP), (step) => warm.succeed(`s${step}`, { n: step }));
  const short: LongSaga[] = [];
  for (let count = 0; count < SAMPLE / 4; count += 1) short.push(await create(chain(11), { n: 0 }));
  const rows = await chains(await create(chain(501), { n: 0 }), short);
  const ids = numbers(0, 10_000).map((index) => `shop-${String(index).padStart(5, "0")}`);
  rows.push(await list(await create(LIST, { ids })));
  const text = report(rows);
  console.log(text);
  await Bun.write(join(import.meta.dir, "size.md"), text);
  if (rows.some(({ early, late }) => middle(late, "ms") / middle(early, "ms") > RATIO_MAX)) process.exitCode = 1;
} finally {
  for (const saga of open) await saga.close();
  await postgres.stop();
  await rm(home, { recursive: true, force: true });
}
