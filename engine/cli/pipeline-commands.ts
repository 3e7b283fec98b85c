import type { Command } from "commander";
import type * as v from "valibot";

import { Pipeline } from "../api/pipeline-schema.ts";
import { oneLine } from "../telemetry/printable.ts";
import { call } from "./client.ts";
import { type ActOptions, type OutputOptions, print, withJson, withReason } from "./output.ts";
import { facts, table } from "./table.ts";

type PipelineJson = v.InferOutput<typeof Pipeline>;

/** The way of a message: where it stands, and restarting the connector. */
export function addPipelineCommands(program: Command): void {
  const pipeline = withJson(program.command("pipeline"))
    .description("show connector, slot, heartbeat and lag; `ekiden doctor` also says what to do")
    .action(async (options: OutputOptions) =>
      print(options, Pipeline, await call("GET", "/v1/pipeline"), pipelineText),
    );
  withReason(pipeline.command("restart"))
    .description("restart the connector; one that was stopped goes on")
    .action(async (_: unknown, command: Command) => {
      const { reason, key, ...options } = command.optsWithGlobals<ActOptions>();
      const answer = await call("POST", "/v1/pipeline/restart", { body: { reason }, idempotencyKey: key });
      print(options, Pipeline, answer, pipelineText);
    });
}

function pipelineText(pipeline: PipelineJson): string {
  const { heartbeat, connector, slot, publication, topics, loss, groups, parts, diskFreeBytes, auditor } = pipeline;
  const partitions = topics.reduce((sum, topic) => sum + (topic.partitions ?? 0), 0);
  const lines = facts([
    ["transport", pipeline.transport],
    ["connector", connector === null ? null : connectorText(connector)],
    ["slot", slot === null ? null : slotText(slot)],
    ["publication", publication && `${publication.name}: ${tablesText(publication.tables)}`],
    ["topics", `${topics.length}, ${partitions} partitions with a consumer group`],
    ["disk", diskFreeBytes === null ? null : `${bytes(diskFreeBytes)} free`],
    ["lost", loss === null ? null : `${loss.cause}; ${loss.missing ?? "some"} requests are not consumed`],
    ["heartbeat", heartbeatText(heartbeat)],
    ["auditor", `${auditor.late} requests late, ${auditor.republished} were lost on their way and sent again`],
  ]);
  const rows = groups.map(({ group, lag, paused, pausedReason }) => [
    group,
    String(lag),
    paused ? `paused: ${pausedReason ?? ""}` : "",
  ]);
  const red = parts
    .filter(({ ok }) => !ok)
    .map(({ part, detail, hint }) => `${part}: ${oneLine(detail)}\n  fix: ${oneLine(hint ?? "")}`);
  return [lines, table(["GROUP", "LAG", ""], rows, "There are no consumer groups."), ...red].join("\n\n");
}

function tablesText(tables: readonly string[] | null): string {
  if (tables === null) return "its tables could not be read";
  return tables.join(", ") || "no tables";
}

function connectorText({
  name,
  state,
  tasks,
  restarts,
  lastFailure,
  managed,
  trouble,
}: NonNullable<PipelineJson["connector"]>): string {
  if (!managed) return `${name}, managed elsewhere`;
  const told =
    trouble ??
    `${state ?? "not registered"}, ${tasks.map((task) => `task ${task.id} ${task.state}`).join(", ") || "no task"}`;
  const restarted = restarts === 0 ? "" : `, restarted ${restarts} times, last failure: ${lastFailure ?? ""}`;
  return `${name} ${told}${restarted}`;
}

function slotText(slot: NonNullable<PipelineJson["slot"]>): string {
  if (!slot.exists) return `${slot.name} does not exist`;
  const room = slot.safeBytes === null ? "no limit" : `${bytes(slot.safeBytes)} left`;
  const kept = `${bytes(slot.keptBytes ?? 0)} of WAL kept, ${bytes(slot.unconfirmedBytes ?? 0)} unconfirmed, ${room}`;
  return `${slot.name} ${slot.active ? "active" : "not read"}, ${slot.walStatus ?? "unknown"}, ${kept}`;
}

function heartbeatText({ last, ageMs, outMs }: PipelineJson["heartbeat"]): string {
  const out = outMs === null ? "" : `, the next on its way for ${seconds(outMs)}`;
  if (last === null) return `none has come back yet${out}`;
  const hops = `to the transport ${last.toTransportMs}, to the consumer ${last.toConsumerMs}, back ${last.toDatabaseMs}`;
  return `${last.roundTripMs} ms (${hops}), ${seconds(ageMs ?? 0)} ago${out}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function bytes(count: number): string {
  return count < 1024 ** 3 ? `${(count / 1024 ** 2).toFixed(1)} MiB` : `${(count / 1024 ** 3).toFixed(1)} GiB`;
}
