import type { Command } from "commander";
import type * as v from "valibot";

import { ConsumerGroup, ConsumerGroupList } from "../api/group-schema.ts";
import { call } from "./client.ts";
import { type OutputOptions, print, withJson } from "./output.ts";
import { table } from "./table.ts";

type GroupView = v.InferOutput<typeof ConsumerGroup>;

/** Consumer groups: where they stand, and stopping them. */
export function addGroupCommands(program: Command): void {
  withJson(program.command("groups"))
    .description("list consumer groups with their lag")
    .action(async (options: OutputOptions) =>
      print(options, ConsumerGroupList, await call("GET", "/v1/consumer-groups"), ({ items }) => groupsText(items)),
    );
  withJson(program.command("pause").argument("<group>", "the group"))
    .description("stop a group from taking messages, also after a restart")
    .requiredOption("--reason <text>", "why; it stands in the audit")
    .action(async (group: string, options: OutputOptions & { reason: string }) =>
      moved(options, await call("POST", groupPath(group, "/pause"), { body: { reason: options.reason } })),
    );
  withJson(program.command("resume").argument("<group>", "the group"))
    .description("let a paused group take messages again")
    .requiredOption("--reason <text>", "why; it stands in the audit")
    .action(async (group: string, options: OutputOptions & { reason: string }) =>
      moved(options, await call("POST", groupPath(group, "/resume"), { body: { reason: options.reason } })),
    );
}

function groupPath(group: string, verb: string): string {
  return `/v1/consumer-groups/${encodeURIComponent(group)}${verb}`;
}

function moved(options: OutputOptions, answer: unknown): void {
  print(options, ConsumerGroup, answer, (group) => groupsText([group]));
}

function groupsText(groups: readonly GroupView[]): string {
  const rows = groups.map((group) => [group.group, stateOf(group), String(group.lag), problemsOf(group)]);
  return table(["GROUP", "STATE", "LAG", ""], rows, "There are no consumer groups.");
}

function stateOf({ paused, members }: GroupView): string {
  if (paused) return "paused";
  return [...new Set(members.map(({ state }) => state))].join(", ") || "elsewhere";
}

function problemsOf({ pausedReason, members }: GroupView): string {
  return [pausedReason, ...members.map(({ problem }) => problem)].filter((text) => text !== null).join("; ");
}
