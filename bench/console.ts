/**
 * `bun run bench:console`: how long the page of a large saga takes in a real browser, and what it costs there: a saga of
 * 500 steps, all of them undone, and one with 20,000 messages; beside them one of three messages, which says what the
 * page costs by itself. Needs no database. Prints a table and writes bench/console.md; takes about three minutes.
 */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";

import { openStand, type Stand } from "../tests/console/stand.ts";
import { ITEMS, largeDomains, STEPS } from "./console-sagas.ts";

const RUNS = 7;
const CALLS = 40;
const WINDOWS = [
  [1280, "light"],
  [390, "dark"],
] as const;

type Scheme = (typeof WINDOWS)[number][1];

interface Measured {
  readonly usableMs: number;
  readonly pictureMs: number;
  readonly scriptMs: number;
  readonly nodes: number;
}

const domains = await largeDomains();
const stand = await openStand({}, domains.path);
try {
  const long = await finished(stand, await stand.start("long", { amount: 3, customer: "Nobody" }));
  const amounts = Array.from({ length: ITEMS }, (_none, index) => index);
  const wide = await finished(stand, await stand.start("wide", { amounts }));
  const small = await finished(stand, await stand.start("wide", { amounts: [1] }));
  const rows: string[] = [];
  for (const [name, id] of [
    ["3 messages", small],
    [`${STEPS} steps, all undone`, long],
    [`${ITEMS} items, ${2 * ITEMS} messages`, wide],
  ] as const) {
    for (const [width, colorScheme] of WINDOWS) {
      for (const [how, open] of [
        ["by a link", byLink],
        ["out of the list", outOfTheList],
      ] as const) {
        const runs: Measured[] = [];
        for (let run = 0; run < RUNS; run += 1) runs.push(await measure(id, width, colorScheme, open));
        rows.push(`| ${name} | ${how} | ${width} px, ${colorScheme} | ${cells(runs)} |`);
      }
    }
  }
  const calls: string[] = [];
  for (const path of [
    `/v1/sagas/${wide}?bodies=false`,
    `/v1/sagas/${wide}/timeline?limit=200&bodies=false&newest=true`,
    `/v1/sagas/${long}?bodies=false`,
  ])
    calls.push(await callRow(stand, path.replace(wide, "{wide}").replace(long, "{long}"), path));
  const text = report(rows, calls);
  console.log(text);
  await Bun.write(join(import.meta.dir, "console.md"), text);
} finally {
  await stand.close();
  await domains.remove();
}

async function finished({ engine }: Stand, id: string): Promise<string> {
  const until = performance.now() + 300_000;
  while (performance.now() < until) {
    const saga = (await (await fetch(`${engine.url}/v1/sagas/${id}?wait=10s`)).json()) as { finishedAt: string | null };
    if (saga.finishedAt !== null) return id;
  }
  throw new Error(`${id} has not ended`);
}

/** Opens a saga in a page. What comes before the measurement is done when it returns what is measured. */
type Open = (page: Page, id: string) => Promise<() => Promise<unknown>>;

/** As somebody opens a link: document, code and answers are read, run and drawn anew. */
async function byLink(page: Page, id: string) {
  return () => page.goto(`${stand.line.url}/sagas/${id}`);
}

/** As somebody does who has the console open: the focus is on the row, and Enter follows its link. */
async function outOfTheList(page: Page, id: string) {
  await page.goto(`${stand.line.url}/sagas`);
  await page.locator(".stream.live").waitFor();
  await settled(page);
  await page.locator(`[data-row="${id}"] a`).first().focus();
  return () => page.keyboard.press("Enter");
}

async function measure(id: string, width: number, colorScheme: Scheme, open: Open): Promise<Measured> {
  const page = await stand.open("/v1/me", { colorScheme, viewport: { width, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const go = await open(page, id);
  const before = await scriptMsOf(session);
  const from = performance.now();
  await go();
  await page.locator(".ledger tbody tr").first().waitFor();
  const usableMs = performance.now() - from;
  await page.locator(".graph svg .box").first().waitFor();
  const pictureMs = performance.now() - from;
  await settled(page);
  const scriptMs = (await scriptMsOf(session)) - before;
  const nodes = Number(await page.evaluate("document.querySelectorAll('*').length"));
  await page.context().close();
  return { usableMs, pictureMs, scriptMs, nodes };
}

/** What the browser has run of scripts since the document was opened. */
async function scriptMsOf(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return 1_000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? 0);
}

/** The steps that are read page by page have come as well. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("load");
  await page.waitForTimeout(1_000);
}

function cells(runs: readonly Measured[]): string {
  const of = (pick: (run: Measured) => number) => runs.map(pick).toSorted((a, b) => a - b);
  const span = (pick: (run: Measured) => number) => {
    const sorted = of(pick);
    return `${Math.round(middle(sorted))} (${Math.round(sorted[0] ?? 0)} to ${Math.round(sorted.at(-1) ?? 0)})`;
  };
  return `${span((run) => run.usableMs)} | ${span((run) => run.pictureMs)} | ${span((run) => run.scriptMs)} | ${middle(of((run) => run.nodes))}`;
}

async function callRow({ engine }: Stand, name: string, path: string): Promise<string> {
  const times: number[] = [];
  let size = 0;
  for (let call = 0; call < CALLS; call += 1) {
    const from = performance.now();
    size = (await (await fetch(`${engine.url}${path}`)).arrayBuffer()).byteLength;
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const p95 = times[Math.ceil(0.95 * times.length) - 1] ?? 0;
  return `| \`GET ${name}\` | ${middle(times).toFixed(0)} | ${p95.toFixed(0)} | ${Math.round(size / 1024)} |`;
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function report(rows: readonly string[], calls: readonly string[]): string {
  const machine = `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores`;
  return `# The page of a large saga

Written by \`bun run bench:console\` on ${new Date().toISOString().slice(0, 10)}: ${machine}, Bun ${Bun.version}. Engine, its
PostgreSQL and the browser (Chromium, headless) share the machine. Median of ${RUNS} (least to most), each in a browser that has
kept nothing. By a link: the document, its code and all answers are loaded. Out of the list: the list of sagas is open, the focus
is on the saga's row, and Enter is pressed. The rows of 3 messages are what the page costs of a saga that has no size.

Load average of the machine at the end: ${loadavg()[0]?.toFixed(1)}; above the number of cores, others took part of what is measured here.

| saga | opened | window | usable, ms | picture, ms | script, ms | DOM nodes |
|---|---|---|---|---|---|---|
${rows.join("\n")}

Usable: the first request stands in the list; as many rows as a window can show are drawn with it, the others after it, 40 at a
time. Picture: the definition is drawn, with the run's states. Script: all that the browser ran until a second after that. A time
is from the key, or from the call that opens the document, until the test that drives the browser sees it.

| call | p50, ms | p95, ms | KiB |
|---|---|---|---|
${calls.join("\n")}

**Marks.** Both answers of the page together, and so the server's part, below 300 ms at 20,000 messages (p95); at most 10,000
nodes, whatever the saga. A page of the timeline is 200 entries; of a definition with more than 150 boxes those in sight are
drawn; of more than 100 compensations the newest are listed.
`;
}
