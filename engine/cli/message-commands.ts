import type { Command } from "commander";
import type * as v from "valibot";

import { Dismissed, MessageList } from "../api/message-schema.ts";
import { call } from "./client.ts";
import { noneText } from "./named-unknown.ts";
import { type ActOptions, expect, type OutputOptions, print, withJson, withReason } from "./output.ts";
import { table, time } from "./table.ts";
import { writeLine } from "./write-line.ts";

interface MessagesOptions extends OutputOptions {
  readonly error?: boolean;
  readonly group?: string;
  readonly topic?: string;
  readonly saga?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

type MessageView = v.InferOutput<typeof MessageList>["items"][number];

/** Messages: which failed and why. */
export function addMessageCommands(program: Command): void {
  withJson(program.command("messages"))
    .description("list messages, newest first")
    .option("--error", "in error only")
    .option("--group <group>", "consumed by this group; with --error, in error there")
    .option("--topic <topic>", "of this topic")
    .option("--saga <id>", "of this saga")
    .option("--limit <n>", "rows of a page, at most 200")
    .option("--cursor <cursor>", "the page after this one")
    .action(async ({ json, error, ...rest }: MessagesOptions) => {
      const query = { ...rest, ...(error === true ? { error: "true" } : {}) };
      const answer = await call("GET", "/v1/messages", { query });
      if (json === true) return print({ json }, MessageList, answer, () => "");
      const page = expect(MessageList, answer);
      writeLine(listText(page, page.items.length === 0 ? await noneText(NONE, rest) : NONE));
    });
  withReason(program.command("dismiss").argument("<ids...>", "ids of failed messages"))
    .description(
      "put an end to failures that nothing else ends: of messages that are not the engine's, or that start no saga",
    )
    .action(async (ids: string[], { json, reason, key }: ActOptions) => {
      for (const id of ids) {
        const path = `/v1/messages/${encodeURIComponent(id)}/dismiss`;
        const answer = await call("POST", path, { body: { reason }, idempotencyKey: key });
        print({ json: json === true }, Dismissed, answer, dismissedText);
      }
    });
}

function dismissedText({ messageId, groups }: v.InferOutput<typeof Dismissed>): string {
  if (groups.length === 0) return `no group has message ${messageId} in error`;
  return `message ${messageId} is dismissed: ${groups.join(", ")} had it in error`;
}

const NONE = "No message fits.";

function listText({ items, nextCursor }: v.InferOutput<typeof MessageList>, none: string): string {
  const rows = items.map((item) => [
    item.messageId,
    item.topic,
    item.type ?? "-",
    item.stepKey ?? item.sagaId ?? "-",
    time(item.requestedAt),
    consumed(item),
  ]);
  const text = table(["MESSAGE", "TOPIC", "TYPE", "STEP", "WRITTEN", "CONSUMED BY"], rows, none);
  return nextCursor === null ? text : `${text}\nThere are more: --cursor ${nextCursor}`;
}

function consumed({ consumptions }: MessageView): string {
  const each = consumptions.map((row) => {
    if (row.error) return `${row.group}: ${row.errorCode ?? "error"}: ${row.errorMessage ?? ""}`;
    return row.consumedAt === null ? `${row.group}: running` : `${row.group}: done`;
  });
  return each.join("; ") || "-";
}
