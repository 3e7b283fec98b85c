import type { Sql } from "../timeline/database.ts";
import { heartbeatArrived, sendHeartbeat } from "../timeline/heartbeats.ts";
import { newId } from "../timeline/ids.ts";
import { type Consumer, type Delivery, HEARTBEAT_TOPIC, type Subscription, type Transport } from "../transport/port.ts";

/** How often a heartbeat is sent. Embedded less often: an idle engine is to rest. */
const EVERY_MS = { kafka: 5_000, embedded: 10_000 } as const;
/** While one is on its way no other is sent, so that none pile up while the transport is down; this long, for one may be lost. */
const LOST_AFTER_MS = 30_000;
/** How often a process that does not send looks whether it is its turn. */
const STANDBY_MS = 1_000;
const JOIN_AGAIN_MS = 5_000;

/** What the heartbeat is made with. */
export interface HeartbeatOptions {
  readonly sql: Sql;
  readonly transport: Transport;
  /** Who: role, host and pid. */
  readonly producer: string;
  readonly problem: (what: string, error: unknown) => void;
}

/**
 * Sends a message through the whole way of every message, outbox, transport, consumer, every few seconds, and writes down
 * when it was where. One process does: the one that reads the topic.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #stopping = new AbortController();
  #consumer: Consumer | undefined;
  #out: { readonly id: string; readonly sentAt: number } | undefined;
  #failed = false;
  #loop: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Begins; does not wait for the consumer's group. The transport is stopped first, and its consumers with it. */
  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#consumer?.stop();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#consumer === undefined) await this.#join();
    while (!signal.aborted) {
      const active = this.#consumer?.owns(HEARTBEAT_TOPIC, 0) === true;
      if (active) await this.#beat();
      await this.#pause(active ? EVERY_MS[this.#options.transport.kind] : STANDBY_MS);
    }
  }

  async #join(): Promise<void> {
    const { transport, problem } = this.#options;
    try {
      this.#consumer = await transport.subscribe(this.#subscription());
      // Stopped while it joined.
      if (this.#stopping.signal.aborted) await this.#consumer.stop();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      problem("the heartbeat's topic cannot be read yet", error);
      await this.#pause(JOIN_AGAIN_MS);
    }
  }

  #subscription(): Subscription {
    return {
      group: "dispatcher.heartbeat",
      topics: [HEARTBEAT_TOPIC],
      lanes: 1,
      singles: 1,
      batchMax: 16,
      handle: async (batch) => {
        for (const delivery of batch) await this.#arrived(delivery);
        return batch.map(() => "done");
      },
    };
  }

  async #arrived({ topic, offset, headers, recordedAt, receivedAt }: Delivery): Promise<void> {
    const id = headers["id"];
    // Whoever may write to the topic may write anything.
    if (typeof id !== "string") return;
    await heartbeatArrived(this.#options.sql, { messageId: id, recordedAt, receivedAt, topic, offset });
    if (this.#out?.id === id) this.#out = undefined;
  }

  async #beat(): Promise<void> {
    const now = performance.now();
    if (this.#out !== undefined && now - this.#out.sentAt < LOST_AFTER_MS) return;
    const { sql, producer, problem } = this.#options;
    const id = newId();
    try {
      this.#out = { id, sentAt: now };
      await sendHeartbeat(sql, id, HEARTBEAT_TOPIC, producer);
      this.#failed = false;
    } catch (error) {
      this.#out = undefined;
      // Once: a database that is away is said by every other part too.
      if (!this.#failed && !this.#stopping.signal.aborted) problem("a heartbeat could not be sent", error);
      this.#failed = true;
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener("abort", wake);
    });
  }
}
