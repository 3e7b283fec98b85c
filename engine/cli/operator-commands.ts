import type { Command } from "commander";

import { call } from "./client.ts";
import { jsonOrFile } from "./json-argument.ts";
import { type ActOptions, withReason } from "./output.ts";
import { accepted } from "./saga-text.ts";

const STEP = ["--step <path>", "path of the parked step, as `ekiden show` prints it"] as const;

interface SkipOptions extends ActOptions {
  readonly step: string;
}

/** How a person ends what is parked, or the saga itself: `skip`, `resolve`, `terminate`. */
export function addOperatorCommands(program: Command): void {
  withReason(program.command("skip").argument("<id>", "id of the saga"))
    .description("leave a parked step or compensation out and go on")
    .requiredOption(...STEP)
    .action(async (id: string, { json = false, step, reason, key }: SkipOptions) =>
      accepted({ json }, await call("POST", verbPath(id, "skip"), { body: { step, reason }, idempotencyKey: key })),
    );
  withReason(program.command("resolve").argument("<id>", "id of the saga"))
    .description("say how a parked step or compensation has ended, and go on with that")
    .requiredOption(...STEP)
    .option("--result <json>", "its result: JSON, @file, or @- for standard input; without it null")
    .action(
      async (id: string, { json = false, step, reason, key, result }: SkipOptions & { readonly result?: string }) => {
        const given = result === undefined ? null : await jsonOrFile("--result", result);
        const body = { step, result: given, reason };
        accepted({ json }, await call("POST", verbPath(id, "resolve"), { body, idempotencyKey: key }));
      },
    );
  withReason(program.command("terminate").argument("<id>", "id of the saga"))
    .description("stop a saga where it stands: nothing more is sent, nothing is undone")
    .action(async (id: string, { json = false, reason, key }: ActOptions) =>
      accepted({ json }, await call("POST", verbPath(id, "terminate"), { body: { reason }, idempotencyKey: key })),
    );
}

function verbPath(id: string, verb: string): string {
  return `/v1/sagas/${encodeURIComponent(id)}/${verb}`;
}
