import type { Command } from "commander";

import { Saga } from "../api/saga-schema.ts";
import { type BulkOptions, bulkSettings, refuseBulk, withBulk } from "./bulk/options.ts";
import { startLines } from "./bulk/start-lines.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { demand } from "./client.ts";
import { readJsonFile } from "./json-argument.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { demandCompleted, sagaText } from "./saga-text.ts";
import { writeError } from "./write-line.ts";

const CREATED = 201;

interface StartOptions extends OutputOptions, BulkOptions {
  readonly input?: string;
  readonly from?: string;
  readonly key?: string;
}

const NOTES = `
--from starts a saga for each line of a file of JSON objects. It may be stopped at any time and run again: each line has
an Idempotency-Key made of the definition, its content and how often that content came before, so that what an earlier
run has started is "known" and not started again. The engine keeps such keys for 7 days; to start a file anew on
purpose, give --key another text. --json prints a line for each line: {line, result, sagaId, status, …}. With --wait
the exit code is 4 only if a saga is parked, terminated or still on its way.`;

/** `start`: one saga, or one for each line of a file. */
export function addStart(program: Command): void {
  const command = program.command("start").argument("<definition>", "name of the definition");
  withJson(command)
    .description("start a saga, or one for each line of a file")
    .option("--input <file>", "JSON file with the input; - reads standard input")
    .option("--from <file>", "start one for each line: newline-delimited JSON; - reads standard input")
    .option("--key <key>", "Idempotency-Key: the same key starts no second saga")
    .option("--wait <duration>", "wait until it is final or parked, for example 10s, at most 60s; with --from, each")
    .addHelpText("after", NOTES)
    .action(async (definition: string, options: StartOptions) => {
      if (options.from === undefined) await startOne(definition, options);
      else await startMany(definition, options, options.from);
    });
  withBulk(command, "with --from");
}

async function startOne(definition: string, options: StartOptions): Promise<void> {
  refuseBulk(options, "--from");
  const body = options.input === undefined ? {} : await readJsonFile(options.input);
  const query = { wait: options.wait };
  const path = `/v1/sagas/${encodeURIComponent(definition)}`;
  const { status, answer } = await demand("POST", path, { query, body, idempotencyKey: options.key });
  if (status !== CREATED && options.json !== true) writeError("It had been started before: nothing new was started.");
  print(options, Saga, answer, sagaText);
  if (options.wait !== undefined) demandCompleted(answer);
}

async function startMany(definition: string, options: StartOptions, from: string): Promise<void> {
  if (options.input !== undefined) throw new CliError(EXIT.usage, "--input is for one saga, --from for many: give one");
  const { key, json = false } = options;
  await startLines({ ...bulkSettings(options), definition, from, key, json });
}
