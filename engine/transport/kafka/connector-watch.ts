import type { PartHealth, Relay, RelayState } from "../port.ts";
import type { ConnectorStatus } from "./connect-client.ts";
import { connectorHealth, lossHealth, slotHealth } from "./connector-health.ts";
import { firstLine, type HealOptions, heal, notHealed } from "./connector-heal.ts";
import { KafkaTransportError, reasonOf } from "./kafka-error.ts";
import { PUBLICATION } from "./names.ts";
import { publicationHealth, readPublication, readWithheld } from "./publication.ts";
import { readSlot, type SlotState } from "./slot.ts";
import { lostFrom, noteClosed, noteHealed, recall, type WatchMemory } from "./watch-memory.ts";

/** What the watch looks at. */
export interface ConnectorWatchOptions extends HealOptions {
  /** What the connector is called in Connect. */
  readonly connector: string;
  /** False: it only looks, and changes nothing. */
  readonly heals: boolean;
  /** How many requests of this time, the first written at `since`, a group has not consumed that must. */
  readonly missing: (since: Date | null, until: Date) => Promise<number>;
}

const PAUSE_MS = 2_000;
const PAUSE_AT_START_MS = 200;
/** What is missing after a loss is counted less often: that reads the outbox. */
const COUNT_EVERY_MS = 10_000;

/** Watches connector, task and slot, and heals what has failed: Kafka Connect itself never does. */
export class ConnectorWatch implements Relay {
  readonly #options: ConnectorWatchOptions;
  readonly #stopping = new AbortController();
  #status: ConnectorStatus | undefined;
  #slot: SlotState | undefined;
  #memory: WatchMemory | undefined;
  #missing: number | null = null;
  #withheld: readonly string[] = [];
  #countedAt = 0;
  #trouble: { readonly connect?: string; readonly slot?: string } = {};
  #movedAt = Date.now();
  #loop: Promise<void> | undefined;

  constructor(options: ConnectorWatchOptions) {
    this.#options = options;
  }

  get managed(): boolean {
    return this.#options.client !== null;
  }

  /**
   * Resolves once the task runs and reads from its slot: a row written before the slot exists would never arrive.
   * @throws KafkaTransportError `connector.not-ready` after `timeoutMs`
   */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      await this.look();
      const unwell = this.unwell();
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

  /** Looks once, and heals what can be healed when its time has come. Never throws. */
  async look(): Promise<void> {
    // Also when the recovery has ended during this look: of what it saw some may be older.
    const wasRecovering = this.#memory?.recovering === true;
    const memory = await this.#see();
    if (!this.#options.heals || memory === undefined || this.#trouble.connect !== undefined) return;
    if (memory.recovering || wasRecovering) return;
    try {
      await heal(this.#options, { status: this.#status, slot: this.#slot, memory });
      await this.#countMissing(memory);
    } catch (error) {
      notHealed(this.#options.log, error);
    }
  }

  /** As last seen: what keeps requests from arriving now. What a lost slot has left behind does not. */
  unwell(): PartHealth | undefined {
    return this.#ownHealth().find((part) => !part.ok);
  }

  /** As last seen: `connector` (when managed here), `slot`, and, when not well, `publication` and what a lost slot has left behind. */
  health(): readonly PartHealth[] {
    const loss = this.#memory?.loss ?? null;
    const publication = publicationHealth(PUBLICATION, this.#withheld);
    return [
      ...this.#ownHealth(),
      ...(publication === undefined ? [] : [publication]),
      ...(loss === null ? [] : [lossHealth(loss, this.#missing)]),
    ];
  }

  /** Looks anew and says what is there. */
  async state(): Promise<RelayState> {
    await this.#see();
    const { connector: name, slot: slotName, sql } = this.#options;
    const memory = this.#memory;
    const tasks = (this.#status?.tasks ?? []).map(({ id, state, trace }) => ({ id, state, trace: firstLine(trace) }));
    const loss = memory?.loss ?? null;
    return {
      connector: {
        name,
        managed: this.managed,
        state: this.#status?.connector.state ?? null,
        tasks,
        restarts: memory?.restarts ?? 0,
        failures: memory?.failures ?? 0,
        lastFailure: memory?.cause ?? null,
        lastFailureAt: memory?.failedAt ?? null,
        trouble: this.#trouble.connect ?? null,
      },
      slot: {
        name: slotName,
        exists: this.#slot !== undefined,
        trouble: this.#trouble.slot ?? null,
        ...slotFacts(this.#slot),
      },
      publication: { name: PUBLICATION, tables: await readPublication(sql, PUBLICATION).catch(() => null) },
      loss:
        loss === null ? null : { cause: loss.cause, since: loss.since, until: loss.renewedAt, missing: this.#missing },
      health: this.health(),
    };
  }

  /** Restarts connector and tasks, whatever they say of themselves; one that is gone is registered, one that was stopped goes on. */
  async restart(): Promise<void> {
    const { client, register, prepareTopics, sql, slot } = this.#options;
    if (client === null) throw new Error("the connector is managed elsewhere");
    await prepareTopics();
    if (await register()) return;
    const state = (await client.status())?.connector.state;
    if (state === "PAUSED" || state === "STOPPED") await client.resume();
    else await client.restart();
    await noteHealed(sql, slot, 0);
  }

  #ownHealth(): readonly PartHealth[] {
    const { client, slot: name } = this.#options;
    const silentMs = Date.now() - this.#movedAt;
    const slot = slotHealth({
      name,
      slot: this.#slot,
      silentMs,
      managed: client !== null,
      trouble: this.#trouble.slot,
      seen: this.#memory?.slotSeen === true,
    });
    if (client === null) return [slot];
    return [connectorHealth({ status: this.#status, memory: this.#memory, trouble: this.#trouble.connect }), slot];
  }

  /** Undefined: the database does not answer. */
  async #see(): Promise<WatchMemory | undefined> {
    const { client, sql, slot } = this.#options;
    const trouble: { connect?: string; slot?: string } = {};
    try {
      if (client !== null) this.#status = await client.status();
    } catch (error) {
      trouble.connect = reasonOf(error);
    }
    let memory: WatchMemory | undefined;
    try {
      const before = this.#slot;
      this.#slot = await readSlot(sql, slot);
      if (this.#slot?.confirmed !== before?.confirmed || this.#slot?.keptBytes === 0) this.#movedAt = Date.now();
      this.#withheld = await readWithheld(sql, PUBLICATION);
      memory = await recall(sql, slot);
      this.#memory = memory;
    } catch (error) {
      trouble.slot = reasonOf(error);
    }
    this.#trouble = trouble;
    return memory;
  }

  async #countMissing({ loss }: WatchMemory): Promise<void> {
    if (loss === null) this.#missing = null;
    else if (Date.now() - this.#countedAt >= COUNT_EVERY_MS) {
      this.#countedAt = Date.now();
      this.#missing = await this.#options.missing(lostFrom(loss), loss.renewedAt ?? new Date());
      if (this.#missing === 0) await noteClosed(this.#options.sql, loss.id);
    }
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
}

function slotFacts(slot: SlotState | undefined): Omit<RelayState["slot"], "name" | "exists" | "trouble"> {
  return {
    active: slot?.active ?? false,
    walStatus: slot?.walStatus ?? null,
    unconfirmedBytes: slot?.keptBytes ?? null,
    keptBytes: slot?.restartBytes ?? null,
    safeBytes: slot?.safeBytes ?? null,
    maxKeepBytes: slot?.maxKeepBytes ?? null,
  };
}
