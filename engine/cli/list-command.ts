import type { Command } from "commander";
import type * as v from "valibot";

import { SagaList } from "../api/saga-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { noneText } from "./named-unknown.ts";
import { expect, type OutputOptions, print, withJson } from "./output.ts";
import { table, time, took } from "./table.ts";
import { waitingText } from "./waiting-text.ts";
import { say, writeLine } from "./write-line.ts";

interface ListOptions extends OutputOptions {
  readonly definition?: string;
  readonly status?: string;
  readonly key?: string;
  readonly label?: readonly string[];
  readonly limit?: string;
  readonly cursor?: string;
  readonly ids?: boolean;
  readonly all?: boolean;
  readonly waitingFor?: string;
}

type Page = v.InferOutput<typeof SagaList>;
type Query = Readonly<Record<string, string | undefined>>;

const PAGE_MAX = "200";
/** Only these can wait for a signal, and of these the engine keeps a list. */
const OPEN = "running,compensating,parked";

/** `list`: a page of sagas, or all of them. */
export function addList(program: Command): void {
  withJson(program.command("list"))
    .description("list sagas, newest first, and what each open one waits for")
    .option("--definition <name>", "of this definition")
    .option("--status <status>", "one or several with commas: running, compensating, parked, completed, …")
    .option("--key <key>", "with this business key")
    .option("--parent <saga>", "children of this saga")
    .option("--step <path>", "open sagas that are at this step; [] for any item of an each")
    .option("--retrying-group <group>", "open sagas of this group of `errors --retrying`")
    .option("--label <name=value...>", "with these labels")
    .option("--waiting-for <signal>", "that wait for this signal; all of them, as with --all")
    .option("--limit <n>", "rows of a page, at most 200; with --all or --waiting-for, rows in all")
    .option("--cursor <cursor>", "the page after this one")
    .option("--all", "all pages; with --json one line a saga")
    .option("--ids", "print the ids only, one a line")
    .action(async ({ json = false, ids = false, all, waitingFor, label = [], ...rest }: ListOptions) => {
      const query = { ...rest, ...labels(label) };
      if (all === true || waitingFor !== undefined) return listAll(query, { json, ids, waitingFor });
      const answer = await call("GET", "/v1/sagas", { query });
      if (json || ids) return print({ json }, SagaList, answer, idsText);
      const page = expect(SagaList, answer);
      writeLine(page.items.length === 0 ? await noneText(NONE, rest) : listText(page));
    });
}

/** Prints page after page as they come: neither side ever holds more than one. */
async function listAll(query: Query, as: { json: boolean; ids: boolean; waitingFor: string | undefined }) {
  const { waitingFor } = as;
  const { limit, ...rest } = query;
  const most = limit === undefined ? Number.POSITIVE_INFINITY : rowsOf(limit);
  const base = { limit: PAGE_MAX, ...(waitingFor === undefined ? {} : { status: OPEN }), ...given(rest) };
  let printed = 0;
  for await (const page of pagesOf(base)) {
    const found = waitingFor === undefined ? page : page.filter((saga) => waitsFor(saga, waitingFor));
    const items = found.slice(0, most - printed);
    if (items.length === 0) continue;
    writeLine(as.json ? items.map((saga) => JSON.stringify(saga)).join("\n") : pageText(items, as.ids, printed === 0));
    printed += items.length;
    if (printed >= most) return;
  }
  if (printed === 0 && !as.json && !as.ids) say(await noneText(NONE, query));
}

function rowsOf(limit: string): number {
  const rows = Number(limit);
  if (Number.isInteger(rows) && rows > 0) return rows;
  throw new CliError(EXIT.usage, `--limit ${limit}: write a number of rows, from 1`);
}

async function* pagesOf(query: Query): AsyncGenerator<Page["items"]> {
  let cursor = query["cursor"];
  do {
    const page = expect(SagaList, await call("GET", "/v1/sagas", { query: { ...query, cursor } }));
    yield page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Without what was not given: it would hide the default under it. */
function given(query: Query): Query {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

function waitsFor({ waitingFor }: Page["items"][number], signal: string): boolean {
  return waitingFor?.some((wait) => wait.signal === signal) ?? false;
}

function labels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (name === undefined || value === undefined)
        throw new CliError(EXIT.usage, `--label ${pair}: write it as name=value`);
      return [`label.${name}`, value];
    }),
  );
}

const NONE = "No saga fits.";

function listText({ items, nextCursor }: Page): string {
  const text = pageText(items, false, true);
  return nextCursor === null ? text : `${text}\nThere are more: --all, or --cursor ${nextCursor}`;
}

function pageText(items: Page["items"], ids: boolean, withHead: boolean): string {
  if (ids) return idsText({ items });
  const rows = items.map(({ sagaId, definition, status, key, startedAt, finishedAt, waiting }) => [
    sagaId,
    definition,
    status,
    key ?? "-",
    time(startedAt),
    time(finishedAt),
    took(startedAt, finishedAt),
    waitingText(waiting),
  ]);
  const text = table(["SAGA", "DEFINITION", "STATUS", "KEY", "STARTED", "FINISHED", "TOOK", "WAITS FOR"], rows, NONE);
  return withHead ? text : text.slice(text.indexOf("\n") + 1);
}

function idsText({ items }: Pick<Page, "items">): string {
  return items.map(({ sagaId }) => sagaId).join("\n");
}
