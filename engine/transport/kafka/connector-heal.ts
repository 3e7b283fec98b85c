import type { Sql } from "postgres";

import type { ConnectClient, ConnectorStatus } from "./connect-client.ts";
import { reasonOf } from "./kafka-error.ts";
import type { TransportLog } from "./kafka-log.ts";
import { dropLostSlot, type SlotState } from "./slot.ts";
import {
  claimRenewing,
  claimRestart,
  noteHealed,
  noteLoss,
  noteRenewed,
  noteSlot,
  type SlotLoss,
  type WatchMemory,
} from "./watch-memory.ts";

/** What the healing works with. `client` null: the connector is managed elsewhere, and only the slot is looked after. */
export interface HealOptions {
  readonly client: ConnectClient | null;
  readonly sql: Sql;
  readonly slot: string;
  readonly log: TransportLog;
  /** Makes the connector exist in Connect, as configured. True: it did not. */
  readonly register: () => Promise<boolean>;
  /** Makes the topics exist that requests may name: one that is missing fails the connector for everybody. */
  readonly prepareTopics: () => Promise<void>;
}

/** One look at connector and slot. */
export interface Seen {
  /** Undefined: Connect does not know the connector, or there is no Connect to ask. */
  readonly status: ConnectorStatus | undefined;
  readonly slot: SlotState | undefined;
  readonly memory: WatchMemory;
}

/** What Debezium says when its offset points at what the slot no longer holds, dropped or moved by hand. */
const OFFSET_GONE = /no longer available on the server/;
const STOP_WAIT_MS = 20_000;
const STOP_PAUSE_MS = 200;

/**
 * Brings a connector back that was deleted, has failed, or has lost its slot. Everything here may be done twice, by
 * several processes, and may be cut at any place: the next look goes on.
 */
export async function heal(options: HealOptions, seen: Seen): Promise<void> {
  const { client, sql, slot: name, log } = options;
  const { status, slot, memory } = seen;
  const { loss } = memory;
  const lost = lossOf(name, seen);
  if (lost !== undefined && (loss === null || loss.renewedAt !== null)) {
    log.error("the replication slot is lost: what was written since may not have reached Kafka", { slot: name, lost });
    await noteLoss(sql, name, lost);
    return;
  }
  if (slot !== undefined && lost === undefined && !memory.slotSeen) await noteSlot(sql, name);
  if (loss !== null && loss.renewedAt === null) {
    if (lost === undefined && slot?.active === true) return noteRenewed(sql, loss.id);
    if (client !== null && mayRenew(status, loss)) await renew(options, client, loss);
    return;
  }
  if (client === null) return;
  if (status === undefined) {
    if (await options.register()) log.warn("the connector was gone and is registered again", { slot: name });
    return;
  }
  const failed = failureOf(status);
  if (failed === undefined) {
    if (memory.failures > 0) await noteHealed(sql, name);
  } else if (await claimRestart(sql, name, failed)) {
    log.error("the connector failed and is restarted", { trace: failed, restarts: memory.restarts + 1 });
    await options.prepareTopics();
    await client.restartFailed();
  }
}

/** Why what the connector has to read is gone; undefined: it is there. */
function lossOf(name: string, { status, slot, memory }: Seen): string | undefined {
  if (slot === undefined) return memory.slotSeen ? `replication slot ${name} was dropped` : undefined;
  if (slot.walStatus === "lost")
    return `PostgreSQL gave replication slot ${name} up: more WAL than max_slot_wal_keep_size`;
  const failure = status === undefined ? undefined : failureOf(status);
  if (failure === undefined || !OFFSET_GONE.test(failure)) return undefined;
  return `replication slot ${name} does not hold what the connector wants to read next`;
}

/** One that a person has stopped stays so: whoever stopped it may have dropped the slot, too. */
function mayRenew(status: ConnectorStatus | undefined, loss: SlotLoss): boolean {
  const stopped = status?.connector.state === "STOPPED" || status?.connector.state === "PAUSED";
  return loss.renewing || !stopped;
}

/**
 * Without its offsets in Connect the connector begins anew: it makes the slot that is missing, and reads from there on.
 * Nothing else heals it, since Debezium refuses to skip what is gone.
 */
async function renew({ sql, slot, log, register }: HealOptions, client: ConnectClient, loss: SlotLoss): Promise<void> {
  if (!(await claimRenewing(sql, loss.id))) return;
  await register();
  await client.stop();
  const deadline = Date.now() + STOP_WAIT_MS;
  while (!(await isStopped(client)) && Date.now() < deadline) await Bun.sleep(STOP_PAUSE_MS);
  await client.forgetOffsets();
  await dropLostSlot(sql, slot);
  await client.resume();
  log.warn("the connector begins anew: it makes the slot that is missing", { slot });
}

async function isStopped(client: ConnectClient): Promise<boolean> {
  const status = await client.status();
  return status?.connector.state === "STOPPED" && status.tasks.length === 0;
}

/** What has failed, as one line; undefined: nothing. */
function failureOf(status: ConnectorStatus | undefined): string | undefined {
  const failed = [status?.connector, ...(status?.tasks ?? [])].find((one) => one?.state === "FAILED");
  if (failed === undefined) return undefined;
  const lines = (failed.trace ?? "").split("\n");
  // Connect wraps the failure: the innermost cause says more than the first line.
  const cause = lines.findLast((line) => line.startsWith("Caused by: "))?.slice("Caused by: ".length);
  return [firstLine(failed.trace) ?? "no trace", cause]
    .filter((line) => line !== undefined)
    .join(": ")
    .slice(0, 500);
}

/** The first line of a trace. */
export function firstLine(trace: string | undefined): string | null {
  return trace?.split("\n")[0]?.trim() || null;
}

/** For the log: what could not be done now is tried at the next look. */
export function notHealed(log: TransportLog, error: unknown): void {
  log.warn("the connector could not be looked after", { reason: reasonOf(error) });
}
