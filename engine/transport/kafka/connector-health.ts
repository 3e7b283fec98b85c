import type { PartHealth } from "../port.ts";
import type { ConnectorStatus } from "./connect-client.ts";
import type { SlotState } from "./slot.ts";
import { lostFrom, type SlotLoss, type WatchMemory } from "./watch-memory.ts";

/** Six beats of the connector's heartbeat, each of which moves the slot. */
const SILENT_MAX_MS = 30_000;
/** So many failures in a row are no accident: it counts as well only when it has run for longer than it last waited. */
const FAILS_AGAIN = 3;
const STEADY_MAX_MS = 120_000;
/** With less WAL than this share of the limit left, somebody has to look. */
const ROOM_MIN = 0.2;

/** What is known of the connector. `trouble`: why Connect could not be asked. */
export interface ConnectorSeen {
  readonly status: ConnectorStatus | undefined;
  readonly memory: Pick<WatchMemory, "restarts" | "failures" | "failedAgoMs" | "cause"> | undefined;
  readonly trouble: string | undefined;
}

/** What is known of the slot. `silentMs`: for how long it has not moved. `trouble`: why it could not be read. */
export interface SlotSeen {
  readonly name: string;
  readonly slot: SlotState | undefined;
  readonly silentMs: number;
  /** Whether the engine registers the connector itself. */
  readonly managed: boolean;
  /** Whether it has existed before. */
  readonly seen: boolean;
  readonly trouble: string | undefined;
}

/** The connector's line of the health report. */
export function connectorHealth({ status, memory, trouble }: ConnectorSeen): PartHealth {
  const part = "connector";
  if (trouble !== undefined) {
    return { part, ok: false, detail: trouble, hint: "Start Kafka Connect; the slot keeps the rows meanwhile." };
  }
  if (status === undefined) {
    return { part, ok: false, detail: "not registered", hint: "It is registered by itself in a moment; look again." };
  }
  const { restarts = 0, failures = 0, failedAgoMs = null, cause = null } = memory ?? {};
  const { state } = status.connector;
  const task = status.tasks[0]?.state ?? "none";
  const restarted = restarts === 0 ? "" : `, restarted ${restarts} times`;
  const detail = `connector ${state}, task ${task}${restarted}${cause === null ? "" : `, last failure: ${cause}`}`;
  if (state === "RUNNING" && task === "RUNNING") {
    const steadyMs = Math.min(STEADY_MAX_MS, 2 ** failures * 1_000);
    if (failures < FAILS_AGAIN || failedAgoMs === null || failedAgoMs > steadyMs) return { part, ok: true, detail };
    const hint = "It fails again and again: mend what the last failure names.";
    return { part, ok: false, detail: `${detail} (${failures} failures in a row)`, hint };
  }
  const hint =
    state === "PAUSED" || state === "STOPPED"
      ? "Somebody stopped it: `ekiden pipeline restart --reason …` lets it go on."
      : "It is restarted by itself; if it keeps failing, the trace names the cause.";
  return { part, ok: false, detail, hint };
}

/** The slot's line of the health report. */
export function slotHealth({ name, slot, silentMs, managed, seen, trouble }: SlotSeen): PartHealth {
  const bad = (detail: string, hint: string): PartHealth => ({ part: "slot", ok: false, detail, hint });
  if (trouble !== undefined) return bad(trouble, "Is PostgreSQL reachable?");
  if (slot === undefined) {
    const detail = `replication slot ${name} ${seen ? "was dropped" : "does not exist"}`;
    return bad(detail, managed ? "The connector makes a new one by itself; look again." : REGISTER_AGAIN);
  }
  const detail = slotDetail(name, slot);
  if (slot.walStatus === "lost")
    return bad(detail, managed ? "A new slot is made by itself; look again." : REGISTER_AGAIN);
  if (slot.walStatus === "unreserved") return bad(detail, "The slot is about to be lost: start the connector now.");
  if (!slot.active) return bad(detail, "The connector does not read: see its status.");
  const { safeBytes, maxKeepBytes } = slot;
  if (safeBytes !== null && maxKeepBytes !== null && safeBytes < maxKeepBytes * ROOM_MIN) {
    const hint = "Find what holds the connector up, or raise max_slot_wal_keep_size: past it the slot is lost.";
    return bad(`${detail}, ${mebibytes(safeBytes)} left before the slot is lost`, hint);
  }
  // Managed elsewhere, nothing but the heartbeat tells from the start that somebody is at work.
  const stillMs = managed ? silentMs : Math.max(silentMs, slot.heartbeatAgeSeconds * 1_000);
  if (stillMs <= SILENT_MAX_MS) return { part: "slot", ok: true, detail };
  const hint = managed
    ? "The connector hangs although it says that it runs: `ekiden pipeline restart --reason …` if this does not pass in a minute."
    : "The connector does not read: look at it where it is managed.";
  return bad(`${detail}, has not moved for ${Math.round(stillMs / 1_000)} s`, hint);
}

const REGISTER_AGAIN =
  "Register the connector that `ekiden connector` prints; one that is registered needs its offsets in Kafka Connect deleted first.";

function slotDetail(name: string, slot: SlotState): string {
  const reader = slot.active ? "active" : "not read by anybody";
  return `${name} ${reader}, WAL ${slot.walStatus ?? "unknown"}, ${mebibytes(slot.restartBytes)} of WAL kept`;
}

/** What a lost slot has left behind: rows that never came, until they have been sent again and consumed. */
export function lossHealth(loss: SlotLoss, missing: number | null): PartHealth {
  const { cause, since, renewedAt } = loss;
  const from = since === null ? "the beginning" : since.toISOString();
  const lost = `${cause}; requests written between ${from} and ${renewedAt?.toISOString() ?? "now"} may not have reached Kafka`;
  const count = missing === null ? "" : `, ${missing >= 1_000 ? "1,000 or more" : missing} of them are not consumed`;
  const hint =
    renewedAt === null
      ? "A new slot is being waited for; then send again what is missing."
      : `ekiden republish --missing-only${since === null ? "" : ` --since ${lostFrom(loss)?.toISOString()}`} --reason "slot lost"`;
  return { part: "lost requests", ok: false, detail: lost + count, hint };
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
