import type { PartHealth } from "../port.ts";
import type { ConnectorStatus } from "./connect-client.ts";
import type { SlotState } from "./slot.ts";

/** Six beats of the connector's heartbeat, each of which moves the slot. */
const SILENT_MAX_MS = 30_000;

/** What is known of the connector. `trouble`: why Connect could not be asked. */
export interface ConnectorSeen {
  readonly status: ConnectorStatus | undefined;
  readonly restarts: { readonly count: number; readonly trace: string | undefined };
  readonly trouble: string | undefined;
}

/** What is known of the slot. `silentMs`: for how long it has not moved. `trouble`: why it could not be read. */
export interface SlotSeen {
  readonly name: string;
  readonly slot: SlotState | undefined;
  readonly silentMs: number;
  /** Whether the engine registers the connector itself. */
  readonly managed: boolean;
  readonly trouble: string | undefined;
}

/** The connector's line of the health report. */
export function connectorHealth({ status, restarts, trouble }: ConnectorSeen): PartHealth {
  const part = "connector";
  if (trouble !== undefined) {
    return { part, ok: false, detail: trouble, hint: "Start Kafka Connect; the slot keeps the rows meanwhile." };
  }
  if (status === undefined) {
    return { part, ok: false, detail: "not registered", hint: "Restart the engine: it registers the connector." };
  }
  const { state } = status.connector;
  const task = status.tasks[0]?.state ?? "none";
  const restarted = restarts.count === 0 ? "" : `, restarted ${restarts.count} times`;
  const cause = restarts.trace === undefined ? "" : `, last failure: ${restarts.trace}`;
  const detail = `connector ${state}, task ${task}${restarted}${cause}`;
  if (state === "RUNNING" && task === "RUNNING") return { part, ok: true, detail };
  const hint =
    state === "PAUSED" || state === "STOPPED"
      ? "Somebody stopped it: PUT $KAFKA_CONNECT_URL/connectors/<name>/resume."
      : "It is restarted by itself; if it keeps failing, the trace names the cause.";
  return { part, ok: false, detail, hint };
}

/** The slot's line of the health report. */
export function slotHealth({ name, slot, silentMs, managed, trouble }: SlotSeen): PartHealth {
  const bad = (detail: string, hint: string): PartHealth => ({ part: "slot", ok: false, detail, hint });
  if (trouble !== undefined) return bad(trouble, "Is PostgreSQL reachable?");
  if (slot === undefined) {
    const hint =
      "The connector makes it at its first start. Rows written meanwhile stand in timeline.event_request: `ekiden redrive` sends one again.";
    return bad(`replication slot ${name} does not exist`, hint);
  }
  const kept = `${(slot.keptBytes / 1024 / 1024).toFixed(1)} MiB of WAL kept`;
  const detail = `${name} ${slot.active ? "active" : "not read by anybody"}, WAL ${slot.walStatus ?? "unknown"}, ${kept}`;
  if (slot.walStatus === "lost") {
    const hint = "Drop the slot and Connect's offsets, restart the connector, then `ekiden redrive` what Kafka lacks.";
    return bad(detail, hint);
  }
  if (slot.walStatus === "unreserved") return bad(detail, "The slot is about to be lost: start the connector.");
  if (!slot.active) return bad(detail, "The connector does not read: see its status.");
  // Managed elsewhere, nothing but the heartbeat tells from the start that somebody is at work.
  const stillMs = managed ? silentMs : Math.max(silentMs, slot.heartbeatAgeSeconds * 1_000);
  if (stillMs <= SILENT_MAX_MS) return { part: "slot", ok: true, detail };
  const hint = "The connector hangs although it says that it runs: restart it if this does not pass in a minute.";
  return bad(`${detail}, has not moved for ${Math.round(stillMs / 1_000)} s`, hint);
}
