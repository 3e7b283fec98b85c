import type { Command } from "commander";

import type { Json } from "../core/json.ts";
import { type BulkOptions, bulkSettings, refuseBulk, withBulk } from "./bulk/options.ts";
import { signalLines } from "./bulk/signal-lines.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { call } from "./client.ts";
import { jsonArgument } from "./json-argument.ts";
import { type OutputOptions, withJson } from "./output.ts";
import { accepted } from "./saga-text.ts";

interface SignalOptions extends OutputOptions, BulkOptions {
  readonly payload?: string;
  readonly key?: string;
}

const NOTES = `
With - in place of the id, the ids come from standard input, one a line (or objects with sagaId, one a line):
  ekiden list --waiting-for reviewed --ids | ekiden signal - reviewed --payload '{"ok":true}'
It may be stopped and run again: what an earlier run has signalled, with the same payload, is "known" for 7 days and not
signalled again, unless --key has another text.`;

/** `signal`: one saga, or each of many. */
export function addSignal(program: Command): void {
  const command = program.command("signal").argument("<id>", "id of the saga; - reads ids from standard input");
  withJson(command.argument("<name>", "name of the signal"))
    .description("send a signal to a saga, or to each of many")
    .option("--payload <json>", "payload, JSON")
    .option("--key <key>", "Idempotency-Key: under the same key it is signalled once")
    .option("--wait <duration>", "with -: wait until each is final, parked or waits for a signal, for example 10s")
    .addHelpText("after", NOTES)
    .action(async (id: string, name: string, options: SignalOptions) => {
      const payload = options.payload === undefined ? null : (jsonArgument("--payload", options.payload) as Json);
      const { key, json = false } = options;
      if (id === "-") return signalLines({ ...bulkSettings(options), signal: name, payload, key, json });
      refuseBulk(options, "-");
      if (options.wait !== undefined) throw new CliError(EXIT.usage, "--wait goes with -; `ekiden show` waits for one");
      const path = `/v1/sagas/${encodeURIComponent(id)}/signals/${encodeURIComponent(name)}`;
      accepted(options, await call("POST", path, { body: payload, idempotencyKey: key }));
    });
  withBulk(command, "with -");
}
