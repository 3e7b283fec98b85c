import type * as v from "valibot";

import type { Redrive, RedriveDetail, RedrivePreview } from "../api/redrive-schema.ts";
import { facts, table, time } from "./table.ts";

/** One redrive, for people. */
export function redriveText(redrive: v.InferOutput<typeof RedriveDetail>): string {
  const { redriveId, status, problem, reason, total, done, failed, closed, sent, waiting } = redrive;
  const head = facts([
    ["redrive", redriveId],
    ["status", status],
    ["problem", problem],
    ["reason", reason],
    [
      "messages",
      `${total}: ${done} done, ${failed} failed again, ${closed} closed, ${sent} on their way, ${waiting} not sent`,
    ],
  ]);
  const rows = redrive.items.map((item) => [
    String(item.position),
    item.messageId,
    item.group,
    item.status,
    item.errorCode ?? "",
    time(item.settledAt),
  ]);
  const items = table(["", "MESSAGE", "GROUP", "STATUS", "ERROR", "SETTLED"], rows, "No message stands so.");
  const more =
    redrive.nextCursor === null
      ? ""
      : `\nThere are more: ekiden redrives show ${redriveId} --cursor ${redrive.nextCursor}`;
  return `${head}\n\n${items}${more}`;
}

/** A list of redrives, for people. */
export function redrivesText(items: readonly v.InferOutput<typeof Redrive>[]): string {
  const rows = items.map((item) => [
    item.redriveId,
    item.status,
    ...[item.total, item.done, item.failed, item.closed, item.waiting + item.sent].map(String),
    time(item.createdAt),
    item.problem ?? item.reason,
  ]);
  const head = ["REDRIVE", "STATUS", "TOTAL", "DONE", "FAILED", "CLOSED", "TO DO", "ASKED", ""];
  return table(head, rows, "There was no redrive.");
}

type Selected = v.InferOutput<typeof RedrivePreview>;

export const NONE_SELECTED = "No failed message that is still wanted fits.";

/** What a redrive would send, for people. */
export function selectedText({ total, settled, sample }: Selected, none = NONE_SELECTED): string {
  const rows = sample.map((item) => [item.messageId, item.group, item.topic, item.saga ?? "-", item.errorCode]);
  const shown = table(["MESSAGE", "GROUP", "TOPIC", "DEFINITION", "ERROR"], rows, none);
  const more = total > sample.length ? `\n… and ${total - sample.length} more.` : "";
  const left = settled === 0 ? "" : ` ${settled} that failed are left out: their step is settled, nothing would run.`;
  return `${shown}${more}\n${total} would be sent: one first, the rest when it is consumed without error.${left}`;
}
