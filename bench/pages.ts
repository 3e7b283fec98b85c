/**
 * `bun run bench:pages`: what the console costs its reader, with a million sagas in an embedded engine and a browser
 * beside it. Prints a table and writes bench/pages.md. Takes some minutes.
 */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";

import type { Page } from "playwright-core";

import type { Tx } from "../engine/timeline/database.ts";
import { newId } from "../engine/timeline/ids.ts";
import { transition } from "../tests/api/stream-bench.ts";
import { openStand, type Stand } from "../tests/console/stand.ts";
import { eventually } from "../tests/support/engine.ts";

const SAGAS = 1_000_000;
const PARKED = 5_000;
/** Open sagas that wait for the next attempt of a step. */
const RETRYING = 500;
/** Sagas a statement: one transaction of a million rows would keep everything behind it from being read. */
const BATCH = 50_000;
const CALLS = 100;
const CHANGES = 20;
/** Longer than the engine looks more often after something has happened. */
const QUIET_MS = 5_500;

interface Row {
  readonly what: string;
  readonly budget: string;
  readonly measured: string;
}

/**
 * Sagas one second apart, the newest an hour old; every two hundredth is parked at its charge, for one of ten reasons, and
 * a tenth as many wait for its next attempt, which no bench lives to see.
 */
async function fill({ engine: { sql } }: Stand): Promise<void> {
  for (let from = 0; from < SAGAS; from += BATCH) {
    await sql`
      insert into timeline.saga (id, definition, version, revision, status, key, labels, input, error, started_at, updated_at)
      select timeline.ulid_time(w.at) || lpad(w.n::text, 16, '0'), 'order', 1, repeat('a', 64),
        case when w.parks then 'parked' when w.retries then 'running' else 'completed' end, 'B-' || w.n, jsonb_build_object('customer', 'c' || w.n % 1000), '{}',
        case when w.parks then jsonb_build_object('step', 'charge', 'code', 'code_' || w.n / 200 % 10,
          'message', 'an amount of ' || w.n || ' is over the limit of 400') end, w.at, w.at
      from (
        select n, n % ${SAGAS / PARKED} = 0 as parks, n % ${SAGAS / RETRYING} = 1 as retries, clock_timestamp() - interval '1 hour' - n * interval '1 second' as at
        from generate_series(${from}::integer, ${from + BATCH - 1}::integer) n
      ) w
    `;
  }
  await sql`
    insert into timeline.saga_open (saga_id, definition, key, status)
    select s.id, s.definition, s.key, s.status from timeline.saga s where s.status in ('parked', 'running')
    on conflict do nothing
  `;
  await sql`
    insert into timeline.saga_step (saga_id, path, status, attempts, started_at)
    select o.saga_id, 'charge', case o.status when 'parked' then 'parked' else 'retrying' end, 1, s.started_at
    from timeline.saga_open o join timeline.saga s on s.id = o.saga_id where s.key like 'B-%'
  `;
  await sql`
    insert into timeline.timer (saga_id, name, due_at)
    select q.saga_id, 'retry:charge', now() + interval '1 day' from timeline.saga_step q where q.status = 'retrying'
  `;
  await sql`analyze timeline.saga, timeline.saga_open, timeline.saga_step, timeline.timer`;
}

async function times(url: string, path: string, calls = CALLS): Promise<string> {
  const taken: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const from = performance.now();
    const response = await fetch(`${url}${path}`);
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    taken.push(performance.now() - from);
  }
  return spread(taken);
}

function spread(taken: readonly number[]): string {
  const sorted = taken.toSorted((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `${at(0.5)} ms (p95 ${at(0.95)})`;
}

/** Writes that a saga was terminated. Returns when, in milliseconds since 1970, by the database's clock. */
type Write = (stand: Stand, sagaId: string) => Promise<number>;

/** By the engine that the browser follows. */
const asked: Write = async ({ engine }, sagaId) => {
  await fetch(`${engine.url}/v1/sagas/${sagaId}/terminate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "bench" }),
  });
  const [row] = await engine.sql<{ at: number }[]>`
    select (extract(epoch from updated_at) * 1000)::float8 as at from timeline.saga where id = ${sagaId}
  `;
  return row?.at ?? 0;
};

/** As another process would, of whose writing that engine is told nothing, after it has seen nothing for a while. */
const elsewhere: Write = async ({ engine: { sql } }, sagaId) => {
  await Bun.sleep(QUIET_MS + Math.random() * 500);
  return sql.begin(async (tx) => {
    await transition(tx as unknown as Tx, sagaId, newId(), 1_000, "terminated");
    const [row] = await tx<{ at: number }[]>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as at`;
    return row?.at ?? 0;
  });
};

/** From the write of a transition to the row in the browser's document that says so. */
async function delays(stand: Stand, write: Write): Promise<string> {
  const ids: string[] = [];
  for (let order = 0; order < CHANGES; order += 1) ids.push(await stand.order(`W-${newId()}`, "Mori", 900));
  const page = await stand.open("/sagas");
  await page.locator(".stream.live").waitFor();
  await page.getByRole("row").nth(CHANGES).waitFor();
  await page.evaluate(WATCH);
  const taken: number[] = [];
  for (const id of ids) {
    // At a moment of its own: else it would keep in step with the looks.
    await Bun.sleep(Math.random() * 500);
    const at = await write(stand, id);
    taken.push(Number(await eventually("the row says so", () => page.evaluate(`window.seen["${id}"]`))) - at);
  }
  await page.context().close();
  return spread(taken);
}

/** Notes in the browser when a row first says that its saga was terminated. */
const WATCH = `window.seen = {};
new MutationObserver(() => {
  for (const row of document.querySelectorAll("tr[data-row]")) {
    if (row.textContent.includes("terminated")) window.seen[row.dataset.row] ??= Date.now();
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true });`;

/** Bytes of everything that a page has fetched of the console's own files. */
async function weight(page: Page): Promise<number> {
  return Number(
    await page.evaluate(
      `performance.getEntries().filter(({ entryType, name }) => entryType === "navigation" || name.includes("/assets/"))
        .reduce((sum, { encodedBodySize = 0 }) => sum + encodedBodySize, 0)`,
    ),
  );
}

async function weights(stand: Stand): Promise<readonly Row[]> {
  const page = await stand.open("/");
  await page.locator(".tiles").waitFor();
  const first = await weight(page);
  const pages = ["/sagas", "/parked", "/consumers", "/pipeline", "/definitions", "/definitions/order?view=source"];
  let all = first;
  for (const path of pages) {
    await page.goto(`${stand.line.url}${path}`);
    await page.locator("main h1").waitFor();
    all = Math.max(all, await weight(page));
  }
  await page.goto(`${stand.line.url}/sagas/${await stand.order("W-0", "Mori", 900)}`);
  await page.locator(".ledger tbody tr").first().waitFor();
  const saga = await weight(page);
  await page.context().close();
  const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
  return [
    { what: "first load of `/`, compressed", budget: "210 KB", measured: kilobytes(first) },
    { what: "`/sagas/:id` from nothing", budget: "210 KB", measured: kilobytes(saga) },
    { what: "the heaviest of the other pages, from nothing", budget: "210 KB", measured: kilobytes(all) },
  ];
}

async function measure(stand: Stand): Promise<readonly Row[]> {
  const { url } = stand.engine;
  const [near, far] = [await delays(stand, asked), await delays(stand, elsewhere)];
  await fill(stand);
  const ask = async (what: string, path: string, budget = "", calls = CALLS): Promise<Row> => ({
    what: `${what}: \`GET ${path}\``,
    budget,
    measured: await times(url, path, calls),
  });
  return [
    ...(await weights(stand)),
    { what: "a transition asked of this engine → its row changed in the browser", budget: "250 ms", measured: near },
    { what: "one that another process wrote, after a silence → the same", budget: "250 ms", measured: far },
    await ask("the list", "/v1/sagas?limit=50", "p95 100 ms"),
    await ask("by status", "/v1/sagas?status=parked&limit=50", "p95 100 ms"),
    await ask("by label", "/v1/sagas?label.customer=c7&limit=50", "p95 100 ms"),
    await ask("by definition", "/v1/sagas?definition=order&limit=50", "p95 100 ms"),
    await ask("by step", "/v1/sagas?step=charge&limit=50", "p95 100 ms"),
    await ask("waiting for an attempt", "/v1/sagas?retrying=true&limit=50", "p95 100 ms"),
    await ask("by key", "/v1/sagas?key=B-777777", "p95 100 ms"),
    await ask(`why ${PARKED.toLocaleString("en")} are parked`, "/v1/parked", "", 20),
    await ask("the overview", "/v1/overview", "", 20),
    await ask("the groups", "/v1/consumer-groups", "", 20),
    await ask("the doctor", "/v1/doctor", "", 20),
  ];
}

const stand = await openStand();
try {
  const rows = await measure(stand);
  const text = `# What the console costs its reader

Written by \`bun run bench:pages\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Bun ${Bun.version}. Engine,
embedded transport, PostgreSQL and browser on one machine; ${SAGAS.toLocaleString("en")} sagas, ${PARKED.toLocaleString("en")} of them parked; the middle call and the
95th of a hundred. With a browser the engine looks five times a second for what to tell it, and ten while something happens. Load average at the end: ${loadavg()[0]?.toFixed(1)}.

| | budget | measured |
|---|---|---|
${rows.map(({ what, budget, measured }) => `| ${what} | ${budget} | ${measured} |`).join("\n")}
`;
  console.log(text);
  await Bun.write(join(import.meta.dir, "pages.md"), text);
} finally {
  await stand.close();
}
process.exit();
