import type { Sql } from "postgres";

import type { PartHealth } from "../port.ts";
import type { ConnectClient, ConnectorStatus } from "./connect-client.ts";
import { connectorHealth, slotHealth } from "./connector-health.ts";
import { KafkaTransportError, reasonOf } from "./kafka-error.ts";
import type { TransportLog } from "./kafka-log.ts";
import { readSlot, type SlotState } from "./slot.ts";

/** What the watch looks at. `client` null: the connector is managed elsewhere, only the slot is seen. */
export interface ConnectorWatchOptions {
  readonly client: ConnectClient | null;
  readonly sql: Sql;
  readonly slot: string;
  readonly log: TransportLog;
}

const PAUSE_MS = 2_000;
const PAUSE_AT_START_MS = 200;
const RESTART_FIRST_MS = 1_000;
const RESTART_MAX_MS = 60_000;
/** So long after its last failure a task counts as healed. */
const HEALED_AFTER_MS = 120_000;

/** Watches connector, task and slot, and restarts what has failed: Kafka Connect itself never does. */
export class ConnectorWatch {
  readonly #options: ConnectorWatchOptions;
  readonly #stopping = new AbortController();
  #status: ConnectorStatus | undefined;
  #slot: SlotState | undefined;
  #trouble: { readonly connect?: string; readonly slot?: string } = {};
  #movedAt = Date.now();
  #restarts = 0;
  #failures = 0;
  #restartAt = 0;
  #failedAt = 0;
  #trace: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: ConnectorWatchOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the task runs and reads from its slot: a row written before the slot exists would never arrive.
   * @throws KafkaTransportError `connector.not-ready` after `timeoutMs`
   */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      await this.look();
      const unwell = this.health().find((part) => !part.ok);
      if (unwell === undefined) return;
      if (Date.now() >= deadline) {
        const hint = unwell.hint ?? "Look into Kafka Connect's log.";
        throw new KafkaTransportError("connector.not-ready", `${unwell.part}: ${unwell.detail}`, hint);
      }
      await Bun.sleep(PAUSE_AT_START_MS);
    }
  }

  /** Watches until `stop`. */
  start(): void {
    this.#loop ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Looks once, and restarts what has failed when its time has come. Never throws. */
  async look(): Promise<void> {
    const { client, sql, slot } = this.#options;
    const trouble: { connect?: string; slot?: string } = {};
    try {
      if (client !== null) this.#status = await client.status();
    } catch (error) {
      trouble.connect = reasonOf(error);
    }
    try {
      const before = this.#slot;
      this.#slot = await readSlot(sql, slot);
      if (this.#slot?.confirmed !== before?.confirmed || this.#slot?.keptBytes === 0) this.#movedAt = Date.now();
    } catch (error) {
      trouble.slot = reasonOf(error);
    }
    this.#trouble = trouble;
    if (client !== null && trouble.connect === undefined) await this.#heal(client);
  }

  /** As last seen: `connector` (when managed here), and `slot`. */
  health(): readonly PartHealth[] {
    const { client, slot: name } = this.#options;
    const silentMs = Date.now() - this.#movedAt;
    const slot = slotHealth({
      name,
      slot: this.#slot,
      silentMs,
      managed: client !== null,
      trouble: this.#trouble.slot,
    });
    if (client === null) return [slot];
    const restarts = { count: this.#restarts, trace: this.#trace };
    return [connectorHealth({ status: this.#status, restarts, trouble: this.#trouble.connect }), slot];
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.look();
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const timer = setTimeout(wake, PAUSE_MS);
        signal.addEventListener("abort", wake);
      });
    }
  }

  async #heal(client: ConnectClient): Promise<void> {
    const failed = failedPart(this.#status);
    const now = Date.now();
    if (failed === undefined) {
      if (now - this.#failedAt > HEALED_AFTER_MS) this.#failures = 0;
      return;
    }
    this.#failedAt = now;
    this.#trace = failed.trace;
    if (now < this.#restartAt) return;
    this.#restartAt = now + Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#restarts += 1;
    this.#options.log.error("the connector failed and is restarted", { trace: failed.trace, restarts: this.#restarts });
    try {
      await client.restartFailed();
    } catch (error) {
      this.#options.log.warn("the connector could not be restarted", { reason: reasonOf(error) });
    }
  }
}

function failedPart(status: ConnectorStatus | undefined): { readonly trace: string } | undefined {
  const failed = [status?.connector, ...(status?.tasks ?? [])].find((one) => one?.state === "FAILED");
  if (failed === undefined) return undefined;
  const lines = (failed.trace ?? "").split("\n");
  // Connect wraps the failure: the innermost cause says more than the first line.
  const cause = lines.findLast((line) => line.startsWith("Caused by: "))?.slice("Caused by: ".length);
  return {
    trace: [lines[0]?.trim() || "no trace", cause]
      .filter((line) => line !== undefined)
      .join(" — ")
      .slice(0, 500),
  };
}
