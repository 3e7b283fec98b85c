import type { Command } from "commander";

import type { Json } from "../core/json.ts";
import { type BulkOptions, bulkSettings, refuseBulk, withBulk } from "./bulk/options.ts";
import { signalLines } from "./bulk/signal-lines.ts";
import { Saga } from "../api/saga-schema.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { jsonArgument } from "./json-argument.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { accepted, demandCompleted, sagaText } from "./saga-text.ts";

interface SignalOptions extends OutputOptions, BulkOptions {
  readonly payload?: string;
  readonly key?: string;
}

const NOTES = `
With - in place of the id, the ids come from standard input, one a line (or objects with sagaId, one a line):
  ekiden list --waiting-for reviewed --ids | ekiden signal - reviewed --payload '{"ok":true}'
It may be stopped and run again: what an earlier run has signalled, with the same payload, is "known" for 7 days and not
signalled again, unless --key has another text.`;

const WAIT =
  "wait until it is final or parked, for example 10s, at most 60s; with -: until each is that, or waits for a signal";
/** The engine's own. */
const WAIT_MAX_MS = 60_000;

/** `signal`: one saga, or each of many. */
export function addSignal(program: Command): void {
  const command = program.command("signal").argument("<id>", "id of the saga; - reads ids from standard input");
  withJson(command.argument("<name>", "name of the signal"))
    .description("send a signal to a saga, or to each of many")
    .option("--payload <json>", "payload, JSON")
    .option("--key <key>", "Idempotency-Key: under the same key it is signalled once")
    .option("--wait <duration>", WAIT)
    .addHelpText("after", NOTES)
    .action(async (id: string, name: string, options: SignalOptions) => {
      const payload = options.payload === undefined ? null : (jsonArgument("--payload", options.payload) as Json);
      const { key, json = false } = options;
      if (id === "-") return signalLines({ ...bulkSettings(options), signal: name, payload, key, json });
      await signalOne(id, name, payload, options);
    });
  withBulk(command, "with -");
}

async function signalOne(id: string, name: string, payload: Json, options: SignalOptions): Promise<void> {
  refuseBulk(options, "-");
  const { key, wait } = options;
  // Before the signal is sent: the engine would say so behind it.
  if ((bulkSettings(options).waitMs ?? 0) > WAIT_MAX_MS)
    throw new CliError(EXIT.usage, `--wait is "${wait}", which is longer than 60s`);
  const path = `/v1/sagas/${encodeURIComponent(id)}`;
  const sent = await call("POST", `${path}/signals/${encodeURIComponent(name)}`, {
    body: payload,
    idempotencyKey: key,
  });
  if (wait === undefined) return accepted(options, sent);
  const answer = await call("GET", path, { query: { wait } });
  print(options, Saga, answer, sagaText);
  demandCompleted(answer);
}
