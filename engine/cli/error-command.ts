import type { Command } from "commander";
import type * as v from "valibot";

import { ParkedGroupList, RetryingGroupList } from "../api/parked-schema.ts";
import { call } from "./client.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { table, time } from "./table.ts";

interface ErrorOptions extends OutputOptions {
  readonly retrying?: boolean;
}

/** `errors`: why sagas are parked, or why their steps are tried again, by groups. */
export function addErrors(program: Command): void {
  withJson(program.command("errors"))
    .description("list why sagas are parked, the most frequent first")
    .option("--retrying", "why steps are tried again, instead")
    .action(async ({ json, retrying }: ErrorOptions) => {
      const options = { json: json === true };
      if (retrying !== true) print(options, ParkedGroupList, await call("GET", "/v1/parked"), parkedText);
      else print(options, RetryingGroupList, await call("GET", "/v1/retrying"), retryingText);
    });
}

function parkedText({ items }: v.InferOutput<typeof ParkedGroupList>): string {
  return table(["SAGAS", ...HEAD, "FIRST PARKED", "LAST", "NEWEST SAGA"], rowsOf(items), "Nothing is parked.");
}

function retryingText({ items }: v.InferOutput<typeof RetryingGroupList>): string {
  const text = table(
    ["SAGAS", ...HEAD, "AT THE STEP SINCE", "LAST", "GROUP"],
    rowsOf(items, true),
    "No step is tried again.",
  );
  return items.length === 0 ? text : `${text}\nThe sagas of a group: bun run ekiden list --retrying-group <group>`;
}

const HEAD = ["DEFINITION", "STEP", "CONSUMER GROUP", "WHY"];

function rowsOf(items: v.InferOutput<typeof ParkedGroupList>["items"], byGroup = false): string[][] {
  return items.map((item) => [
    `${item.sagas}`,
    item.definition,
    item.step ?? "-",
    item.consumerGroup ?? "-",
    `${item.error?.code ?? "-"}: ${item.pattern ?? item.error?.message ?? ""}`,
    time(item.firstAt),
    time(item.lastAt),
    byGroup ? item.groupId : item.newestSagaId,
  ]);
}
