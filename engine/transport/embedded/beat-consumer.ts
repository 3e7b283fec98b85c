import type { Bound } from "../../core/bound.ts";
import type { Consumer, ConsumerStatus, Delivery, Subscription } from "../port.ts";

/** Takes heartbeats as they come and keeps no offset: one that comes late, or to a next owner, measures nothing. */
export class BeatConsumer implements Consumer {
  readonly group: string;
  readonly bounds: readonly Bound[] = [];
  readonly #subscription: Subscription;
  readonly #problem: (what: string, error: unknown) => void;
  #owned = false;
  #stopped = false;
  #progressAt = new Date();
  #handling: Promise<unknown> = Promise.resolve();

  constructor(subscription: Subscription, problem: (what: string, error: unknown) => void) {
    this.group = subscription.group;
    this.#subscription = subscription;
    this.#problem = problem;
  }

  async begin(): Promise<void> {
    this.#owned = true;
  }

  end(): void {
    this.#owned = false;
  }

  /** Nothing is read from the log. */
  fill(): void {}

  /** A heartbeat measures the whole way. */
  offerEarly(): void {}

  offer(delivery: Delivery): void {
    if (!this.#owned || this.#stopped || !this.#subscription.topics.includes(delivery.topic)) return;
    this.#progressAt = new Date();
    this.#handling = this.#subscription
      .handle([delivery], false)
      .catch((error: unknown) => this.#problem("a heartbeat could not be written down", error));
  }

  async pause(): Promise<void> {
    await this.#handling;
  }

  async resume(): Promise<void> {}

  owns(topic: string, partition: number): boolean {
    return this.#owned && !this.#stopped && partition === 0 && this.#subscription.topics.includes(topic);
  }

  /** There is nothing to go back to. */
  async rewind(): Promise<void> {}

  status(): ConsumerStatus {
    return {
      group: this.group,
      state: this.#stopped ? "stopped" : this.#owned ? "running" : "standby",
      partitions: this.#owned ? this.#subscription.topics.map((topic) => ({ topic, partition: 0 })) : [],
      inHand: 0,
      progressAt: this.#progressAt,
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#handling;
  }
}
