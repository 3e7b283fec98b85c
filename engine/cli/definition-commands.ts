import type { Command } from "commander";
import type * as v from "valibot";

import { DefinitionList, DefinitionSummary } from "../api/definition-schema.ts";
import { call } from "./client.ts";
import { type ActOptions, type OutputOptions, print, withJson, withReason } from "./output.ts";
import { table, time } from "./table.ts";

type Listed = v.InferOutput<typeof DefinitionList>;
type Summary = v.InferOutput<typeof DefinitionSummary>;

const NOTES = `
A definition whose file was taken away can be started as before; retire it. Retired, it starts no saga by calls, messages or
the time until it is restored, also when its file is there; sagas that run go on, with the children that sagas ask for.`;

/** `definitions`: what sagas can be started of, and what no longer. */
export function addDefinitionCommands(program: Command): void {
  const definitions = program
    .command("definitions")
    .description("list, retire and restore definitions; without a verb it lists")
    .addHelpText("after", NOTES);
  withJson(definitions.command("list", { isDefault: true }))
    .description("list definitions: version, file, open sagas, whether retired")
    .action(async (options: OutputOptions) => {
      const query = { sources: "false", open: "true" };
      print(options, DefinitionList, await call("GET", "/v1/definitions", { query }), listText);
    });
  withReason(definitions.command("retire").argument("<definition>", "name of the definition"))
    .description("let a definition start no saga any more; those that run go on")
    .action((name: string, options: ActOptions) => act(name, "retire", options));
  withReason(definitions.command("restore").argument("<definition>", "name of the definition"))
    .description("let a retired definition start sagas again")
    .action((name: string, options: ActOptions) => act(name, "restore", options));
}

async function act(name: string, verb: "retire" | "restore", { reason, key, ...options }: ActOptions): Promise<void> {
  const path = `/v1/definitions/${encodeURIComponent(name)}/${verb}`;
  const answer = await call("POST", path, { body: { reason }, idempotencyKey: key });
  print(options, DefinitionSummary, answer, (one) => itemsText([one]));
}

function listText({ items, broken }: Listed): string {
  const faults = broken.map(({ file, diagnostics }) => {
    const first = diagnostics.find(({ severity }) => severity === "error") ?? diagnostics[0];
    const place = first === undefined ? file : `${file}:${first.line}:${first.column} ${first.message}`;
    return `Not in use: ${place}`;
  });
  return [itemsText(items), ...faults].join("\n");
}

function itemsText(items: readonly Summary[]): string {
  const withOpen = items.some(({ open }) => open !== undefined);
  const rows = items.map(({ name, version, open, file, retired }) => [
    name,
    String(version),
    ...(withOpen ? [String(open ?? "-")] : []),
    file ?? "no file",
    retired === null ? "-" : `${time(retired.since)} by ${retired.by}: ${retired.reason}`,
  ]);
  const head = ["DEFINITION", "VERSION", ...(withOpen ? ["OPEN"] : []), "FILE", "RETIRED"];
  return table(head, rows, "There is no definition.");
}
