import { statfs } from "node:fs/promises";

import { Refusal } from "../core/refusal.ts";
import type { Sql } from "../timeline/database.ts";
import { type Heartbeats, readHeartbeats } from "../timeline/heartbeats.ts";
import { newId } from "../timeline/ids.ts";
import type { PartHealth, RelayState, Transport } from "../transport/port.ts";
import { auditorReport } from "./auditor.ts";
import type { GroupReport } from "./groups.ts";
import { claimOperation, keepOperation, type Operator } from "./operator.ts";

/** Without a heartbeat for this long something on the way stands still. */
const SILENT_MAX_MS = 60_000;
const SCOPE = "pipeline/restart";
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|)$/;

/** What the pipeline is made of. */
export interface PipelineOptions {
  readonly sql: Sql;
  readonly databaseUrl: string;
  readonly transport: Transport;
  readonly groups: () => Promise<readonly GroupReport[]>;
}

/** The way of a message from the outbox to its consumer, as `GET /v1/pipeline` shows it. */
export interface PipelineReport {
  readonly transport: "kafka" | "embedded";
  readonly relay: RelayState | null;
  readonly heartbeat: Heartbeats;
  readonly groups: readonly Pick<GroupReport, "group" | "paused" | "pausedReason" | "lag" | "lagSeconds">[];
  /** Every topic that requests have named. `partitions`: null when no group reads it, and the transport is not asked for it. */
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: number | null;
    readonly groups: readonly string[];
  }[];
  /** Requests without a consumption now, and those that were lost on their way and sent again, ever. */
  readonly auditor: { readonly late: number; readonly republished: number };
  readonly diskFreeBytes: number | null;
  readonly parts: readonly PartHealth[];
}

/** Shows the way of a message, and restarts what is of it outside of the engine. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #startedAt = performance.now();

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  async look(): Promise<PipelineReport> {
    const { sql, databaseUrl, transport, groups } = this.#options;
    const [relay, heartbeats, found, named, { late, republished }, diskFreeBytes] = await Promise.all([
      transport.relay?.state() ?? null,
      readHeartbeats(sql),
      groups(),
      sql<{ name: string }[]>`select name from timeline.topic order by name`,
      auditorReport(sql),
      diskFree(sql, databaseUrl),
    ]);
    return {
      transport: transport.kind,
      relay,
      heartbeat: heartbeats,
      groups: found.map(({ group, paused, pausedReason, lag, lagSeconds }) => ({
        group,
        paused,
        pausedReason,
        lag,
        lagSeconds,
      })),
      topics: named.map(({ name }) => topicOf(name, found)),
      auditor: { late, republished },
      diskFreeBytes,
      parts: [...(relay?.health ?? (await transport.health())), this.#heartbeatPart(heartbeats)],
    };
  }

  /** Whether messages come through; read from the database, so that a process that sends none can tell, too. */
  async heartbeatHealth(): Promise<readonly PartHealth[]> {
    return [this.#heartbeatPart(await readHeartbeats(this.#options.sql))];
  }

  /**
   * Restarts the connector with its tasks.
   * @throws Refusal `pipeline.unmanaged`, `pipeline.connect-unavailable`
   */
  async restart(reason: string, by: Operator): Promise<void> {
    const { sql, transport } = this.#options;
    const { relay } = transport;
    if (relay === null) {
      const hint = "Restart the engine process: it carries the messages itself.";
      throw new Refusal("pipeline.unmanaged", "the embedded transport has no connector", hint);
    }
    if (!relay.managed) {
      const hint =
        "Restart it where it is managed, or give the engine KAFKA_CONNECT_URL; `ekiden connector` prints its configuration.";
      throw new Refusal(
        "pipeline.unmanaged",
        "the connector is managed elsewhere: there is no KAFKA_CONNECT_URL",
        hint,
      );
    }
    await sql.begin(async (tx) => {
      if ((await claimOperation(tx, SCOPE, by, { reason })) !== null) return;
      const { connector } = await relay.state();
      const before = { state: connector.state, tasks: connector.tasks.map(({ state }) => state) };
      // Inside the transaction: what Kafka Connect did not do has no row in the audit.
      await relay.restart().catch((error: unknown) => {
        const message = `Kafka Connect did not restart ${connector.name}: ${error instanceof Error ? error.message : error}`;
        throw new Refusal("pipeline.connect-unavailable", message, "Start Kafka Connect, then ask again.");
      });
      await tx`
        insert into timeline.audit (id, actor, action, target, reason, before)
        values (${newId()}, ${by.actor}, 'pipeline.restart', ${connector.name}, ${reason}, ${tx.json(before)})
      `;
      await keepOperation(tx, SCOPE, by, { restarted: true });
    });
  }

  #heartbeatPart({ last, ageMs, outMs }: Heartbeats): PartHealth {
    const part = "heartbeat";
    if (last === null && outMs === null) return { part, ok: true, detail: "none sent yet" };
    const seconds = (ms: number | null) => `${Math.round((ms ?? 0) / 1000)} s`;
    const trip = last === null ? 0 : last.returnedAt.getTime() - last.writtenAt.getTime();
    const detail = last === null ? "none has come back yet" : `round trip ${trip} ms, ${seconds(ageMs)} ago`;
    // A process that has just begun has not had the time to send one.
    const silentMs = Math.min(ageMs ?? outMs ?? 0, performance.now() - this.#startedAt);
    if (silentMs <= SILENT_MAX_MS) return { part, ok: true, detail };
    const out =
      outMs === null
        ? "none is sent: no process with the role dispatcher runs"
        : `the next on its way for ${seconds(outMs)}`;
    return {
      part,
      ok: false,
      detail: `${detail}, ${out}`,
      hint: "Messages do not come through: look at the other parts, or run `ekiden doctor`.",
    };
  }
}

/** From what the groups were asked for anyway. */
function topicOf(topic: string, groups: readonly GroupReport[]): PipelineReport["topics"][number] {
  const readers = groups.filter(({ partitions }) => partitions.some((one) => one.topic === topic));
  const known = readers[0]?.partitions.filter((one) => one.topic === topic);
  return { topic, partitions: known?.length ?? null, groups: readers.map(({ group }) => group) };
}

/** Null: the disk is another machine's, or its folder may not be asked for. */
async function diskFree(sql: Sql, databaseUrl: string): Promise<number | null> {
  if (!LOOPBACK.test(new URL(databaseUrl).hostname)) return null;
  try {
    const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`;
    const { bavail, bsize } = await statfs(row?.folder ?? "");
    return bavail * bsize;
  } catch {
    return null;
  }
}
