import type { PartHealth } from "../port.ts";
import { reasonOf } from "./kafka-error.ts";
import { missingTopics, prepareTopics, type TopicKeeper } from "./topics.ts";

const PAUSE_MS = 5_000;

/**
 * Makes topics again that were deleted while the engine runs. Without one of them the connector stands still for
 * everybody at the first row that names it, its consumers cannot be built, and the offsets of no topic can be read.
 */
export class TopicWatch {
  readonly #keeper: TopicKeeper;
  readonly #stopping = new AbortController();
  #problem: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(keeper: TopicKeeper) {
    this.#keeper = keeper;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Nothing while every topic is there. */
  health(): readonly PartHealth[] {
    if (this.#problem === undefined) return [];
    const hint = "Let this client create topics, or create them as they were, with their number of partitions.";
    return [{ part: "topics", ok: false, detail: this.#problem, hint }];
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look();
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PAUSE_MS);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Never throws: a broker that is away is red in its own line, and the next look asks again. */
  async #look(): Promise<void> {
    let missing: readonly string[] = [];
    try {
      missing = await missingTopics(this.#keeper);
      if (missing.length > 0) {
        this.#keeper.log.error("topics were deleted and are made again; what was in them is lost to Kafka", {
          missing,
        });
        await prepareTopics(this.#keeper);
      }
      this.#problem = undefined;
    } catch (error) {
      if (missing.length > 0) this.#problem = `${missing.join(", ")} do not exist: ${reasonOf(error)}`;
    }
  }
}
