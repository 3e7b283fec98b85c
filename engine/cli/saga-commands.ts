import type { Command } from "commander";
import type * as v from "valibot";

import { Accepted, Saga, SagaList } from "../api/saga-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { jsonArgument } from "./json-argument.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { demandCompleted, sagaText } from "./saga-text.ts";
import { addStart } from "./start-command.ts";
import { table, time } from "./table.ts";

interface ListOptions extends OutputOptions {
  readonly definition?: string;
  readonly status?: string;
  readonly key?: string;
  readonly label?: readonly string[];
  readonly limit?: string;
  readonly cursor?: string;
  readonly ids?: boolean;
}

/** Sagas: start, list, show, and what a person may ask of one. */
export function addSagaCommands(program: Command): void {
  addStart(program);
  addList(program);
  addShow(program);
  addVerbs(program);
}

function addList(program: Command): void {
  withJson(program.command("list"))
    .description("list sagas, newest first")
    .option("--definition <name>", "of this definition")
    .option("--status <status>", "one or several with commas: running, compensating, parked, completed, …")
    .option("--key <key>", "with this business key")
    .option("--label <name=value...>", "with these labels")
    .option("--limit <n>", "rows of a page, at most 200")
    .option("--cursor <cursor>", "the page after this one")
    .option("--ids", "print the ids only, one a line")
    .action(async ({ json, ids, label = [], ...query }: ListOptions) => {
      const answer = await call("GET", "/v1/sagas", { query: { ...query, ...labels(label) } });
      print({ json: json === true }, SagaList, answer, ids === true ? idsText : listText);
    });
}

function addShow(program: Command): void {
  withJson(program.command("show").argument("<id>", "id of the saga"))
    .description("show one saga with its steps")
    .option("--wait <duration>", "wait until it is final or parked, at most 60s")
    .action(async (id: string, options: OutputOptions & { wait?: string }) => {
      const answer = await call("GET", sagaPath(id), { query: { wait: options.wait } });
      print(options, Saga, answer, sagaText);
      if (options.wait !== undefined) demandCompleted(answer);
    });
}

function addVerbs(program: Command): void {
  withJson(program.command("signal").argument("<id>", "id of the saga").argument("<name>", "name of the signal"))
    .description("send a signal to a saga")
    .option("--payload <json>", "payload, JSON")
    .action(async (id: string, name: string, options: OutputOptions & { payload?: string }) => {
      const body = options.payload === undefined ? null : jsonArgument("--payload", options.payload);
      accepted(options, await call("POST", sagaPath(id, `/signals/${encodeURIComponent(name)}`), { body }));
    });
  withJson(program.command("cancel").argument("<id>", "id of the saga"))
    .description("cancel a saga: what it has done is undone")
    .requiredOption("--reason <text>", "why; it stands in the audit")
    .action(async (id: string, options: OutputOptions & { reason: string }) =>
      accepted(options, await call("POST", sagaPath(id, "/cancel"), { body: { reason: options.reason } })),
    );
  withJson(program.command("retry").argument("<id>", "id of the saga"))
    .description("run the parked step of a saga again")
    .option("--step <path>", "path of the step; without it the one that is parked")
    .requiredOption("--reason <text>", "why; it stands in the audit")
    .action(async (id: string, { json, ...body }: OutputOptions & { reason: string; step?: string }) =>
      accepted({ json: json === true }, await call("POST", sagaPath(id, "/retry"), { body })),
    );
}

function accepted(options: OutputOptions, answer: unknown): void {
  print(options, Accepted, answer, ({ sagaId, status, applied, messageId }) => {
    const when = applied ? "applied" : "recorded; the dispatcher applies it when it gets there";
    return `${sagaId}  ${status}  message ${messageId} ${when}`;
  });
}

function sagaPath(id: string, verb = ""): string {
  return `/v1/sagas/${encodeURIComponent(id)}${verb}`;
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

function listText({ items, nextCursor }: v.InferOutput<typeof SagaList>): string {
  const rows = items.map(({ sagaId, definition, status, key, startedAt, finishedAt }) => [
    sagaId,
    definition,
    status,
    key ?? "-",
    time(startedAt),
    time(finishedAt),
  ]);
  const text = table(["SAGA", "DEFINITION", "STATUS", "KEY", "STARTED", "FINISHED"], rows, "No saga fits.");
  return nextCursor === null ? text : `${text}\nThere are more: --cursor ${nextCursor}`;
}

function idsText({ items }: v.InferOutput<typeof SagaList>): string {
  return items.map(({ sagaId }) => sagaId).join("\n");
}
