import type { Command } from "commander";

import { call } from "./client.ts";
import { jsonOrFile } from "./json-argument.ts";
import { type OutputOptions, withJson } from "./output.ts";
import { accepted } from "./saga-text.ts";

const REASON = ["--reason <text>", "why; it stands in the audit"] as const;
const STEP = ["--step <path>", "path of the parked step, as `ekiden show` prints it"] as const;

interface SkipOptions extends OutputOptions {
  readonly step: string;
  readonly reason: string;
}

/** How a person ends what is parked, or the saga itself: `skip`, `resolve`, `terminate`. */
export function addOperatorCommands(program: Command): void {
  withJson(program.command("skip").argument("<id>", "id of the saga"))
    .description("leave a parked step or compensation out and go on")
    .requiredOption(...STEP)
    .requiredOption(...REASON)
    .action(async (id: string, { json = false, step, reason }: SkipOptions) =>
      accepted({ json }, await call("POST", verbPath(id, "skip"), { body: { step, reason } })),
    );
  withJson(program.command("resolve").argument("<id>", "id of the saga"))
    .description("say how a parked step or compensation has ended, and go on with that")
    .requiredOption(...STEP)
    .option("--result <json>", "its result: JSON, @file, or @- for standard input; without it null")
    .requiredOption(...REASON)
    .action(async (id: string, { json = false, step, reason, result }: SkipOptions & { readonly result?: string }) => {
      const given = result === undefined ? null : await jsonOrFile("--result", result);
      const body = { step, result: given, reason };
      accepted({ json }, await call("POST", verbPath(id, "resolve"), { body }));
    });
  withJson(program.command("terminate").argument("<id>", "id of the saga"))
    .description("stop a saga where it stands: nothing more is sent, nothing is undone")
    .requiredOption(...REASON)
    .action(async (id: string, { json = false, reason }: OutputOptions & { readonly reason: string }) =>
      accepted({ json }, await call("POST", verbPath(id, "terminate"), { body: { reason } })),
    );
}

function verbPath(id: string, verb: string): string {
  return `/v1/sagas/${encodeURIComponent(id)}/${verb}`;
}
