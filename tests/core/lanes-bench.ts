import { Lanes } from "../../engine/transport/lanes.ts";
import { Turns } from "../../engine/transport/turns.ts";
import type { Delivery, Subscription, Verdict } from "../../engine/transport/port.ts";

const epoch = new Date(0);

/** A message at an offset. */
export function delivery(offset: number, key: string | null, partition = 0): Delivery {
  const { topic, headers, value } = { topic: "timeline", headers: {}, value: "{}" };
  return { topic, partition, offset, key, headers, value, recordedAt: epoch, receivedAt: epoch };
}

interface Call {
  readonly offsets: readonly number[];
  /** Offsets of those that are marked as this process's own. */
  readonly own: readonly number[];
  readonly alone: boolean;
  end(verdicts: readonly Verdict[] | Error): void;
}

/** Lanes whose batches end when the test says so. */
export class LanesBench {
  readonly calls: Call[] = [];
  readonly finished: [number, number][] = [];
  readonly troubles: unknown[] = [];
  readonly lanes: Lanes;
  #waiters: (() => void)[] = [];

  constructor(
    limits: Partial<Pick<Subscription, "lanes" | "batchMax" | "mayBegin" | "mayRest">> = {},
    turns = new Turns(100),
  ) {
    const handle = (batch: readonly Delivery[], alone: boolean) =>
      new Promise<readonly Verdict[]>((resolve, reject) => {
        const end = (verdicts: readonly Verdict[] | Error) =>
          verdicts instanceof Error ? reject(verdicts) : resolve(verdicts);
        const own = batch.filter((one) => one.own).map((one) => one.offset);
        this.calls.push({ offsets: batch.map((one) => one.offset), own, alone, end });
        for (const wake of this.#waiters.splice(0)) wake();
      });
    const { lanes = 4, batchMax = 10, ...more } = limits;
    const port = {
      finished: (_topic: string, partition: number, offset: number) => void this.finished.push([partition, offset]),
      troubled: (error: unknown) => void this.troubles.push(error),
    };
    this.lanes = new Lanes(
      { group: "dispatcher", topics: ["timeline"], lanes, singles: 2, batchMax, handle, ...more },
      port,
      turns,
    );
  }

  /** The n-th call, once it has been made. */
  async call(index: number): Promise<Call> {
    while (this.calls[index] === undefined) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    return this.calls[index];
  }

  watermark(partition = 0): number | undefined {
    return this.finished.findLast(([at]) => at === partition)?.[1];
  }

  async idle(): Promise<void> {
    while (this.lanes.held > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
