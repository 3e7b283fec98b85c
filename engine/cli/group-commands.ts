import type { Command } from "commander";
import type * as v from "valibot";

import { ConsumerGroup, ConsumerGroupList } from "../api/group-schema.ts";
import { call } from "./client.ts";
import { type ActOptions, type OutputOptions, print, withJson, withReason } from "./output.ts";
import { table } from "./table.ts";

type GroupView = v.InferOutput<typeof ConsumerGroup>;

/** Consumer groups: where they stand, and stopping them. */
export function addGroupCommands(program: Command): void {
  withJson(program.command("groups"))
    .description("list consumer groups with their lag")
    .action(async (options: OutputOptions) =>
      print(options, ConsumerGroupList, await call("GET", "/v1/consumer-groups"), ({ items }) => groupsText(items)),
    );
  withReason(program.command("pause").argument("<group>", "the group"))
    .description("stop a group from taking messages, also after a restart")
    .action(async (group: string, options: ActOptions) => moved(options, await act(group, "/pause", options)));
  withReason(program.command("resume").argument("<group>", "the group"))
    .description("let a paused group take messages again")
    .action(async (group: string, options: ActOptions) => moved(options, await act(group, "/resume", options)));
}

function act(group: string, verb: string, { reason, key }: ActOptions): Promise<unknown> {
  const path = `/v1/consumer-groups/${encodeURIComponent(group)}${verb}`;
  return call("POST", path, { body: { reason }, idempotencyKey: key });
}

function moved(options: OutputOptions, answer: unknown): void {
  print(options, ConsumerGroup, answer, (group) => groupsText([group]));
}

function groupsText(groups: readonly GroupView[]): string {
  const rows = groups.map((group) => [
    group.group,
    stateOf(group),
    String(group.lag),
    group.lagSeconds === null ? "" : `${group.lagSeconds} s`,
    ownersOf(group),
    problemsOf(group),
  ]);
  return table(["GROUP", "STATE", "LAG", "FOR", "CONSUMED BY", ""], rows, "There are no consumer groups.");
}

function stateOf({ paused, members }: GroupView): string {
  if (paused) return "paused";
  return [...new Set(members.map(({ state }) => state))].join(", ") || "elsewhere";
}

function ownersOf({ partitions }: GroupView): string {
  return [...new Set(partitions.flatMap(({ owner }) => owner ?? []))].join(", ") || "nobody";
}

function problemsOf({ pausedReason, members, partitions }: GroupView): string {
  const elsewhere = partitions.filter(({ reader, lag }) => reader !== null && lag > 0);
  const waiting = elsewhere.map(({ topic, lag }) => `another program has ${lag} to claim on ${topic}`);
  const problems = [pausedReason, ...members.map(({ problem }) => problem), ...waiting];
  return problems.filter((text) => text !== null).join("; ");
}
