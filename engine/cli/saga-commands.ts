import type { Command } from "commander";

import { Saga } from "../api/saga-schema.ts";
import { call } from "./client.ts";
import { addList } from "./list-command.ts";
import { addOperatorCommands } from "./operator-commands.ts";
import { type ActOptions, type OutputOptions, print, withJson, withReason } from "./output.ts";
import { accepted, demandCompleted, sagaText } from "./saga-text.ts";
import { addSignal } from "./signal-command.ts";
import { addStart } from "./start-command.ts";

/** Sagas: start, list, show, and what a person may ask of one. */
export function addSagaCommands(program: Command): void {
  addStart(program);
  addList(program);
  addShow(program);
  addSignal(program);
  addVerbs(program);
  addOperatorCommands(program);
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
  withReason(program.command("cancel").argument("<id>", "id of the saga"))
    .description("cancel a saga: what it has done is undone")
    .action(async (id: string, { json = false, reason, key }: ActOptions) =>
      accepted({ json }, await call("POST", sagaPath(id, "/cancel"), { body: { reason }, idempotencyKey: key })),
    );
  withReason(program.command("retry").argument("<id>", "id of the saga"))
    .description("run the parked step of a saga again")
    .option("--step <path>", "path of the step; without it the one that is parked")
    .action(async (id: string, { json = false, key, ...body }: ActOptions & { step?: string }) =>
      accepted({ json }, await call("POST", sagaPath(id, "/retry"), { body, idempotencyKey: key })),
    );
}

function sagaPath(id: string, verb = ""): string {
  return `/v1/sagas/${encodeURIComponent(id)}${verb}`;
}
