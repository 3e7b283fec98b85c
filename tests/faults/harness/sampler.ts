import type { Committed, CommittedSample } from "./checker/evidence.ts";
import { committedOffsets } from "./kafka-log.ts";
import type { World } from "./world.ts";

const EVERY_MS = 2_000;

/** Looks at the groups' committed offsets while faults go on: an offset that is too far may be right again in the end. */
export class Sampler {
  readonly samples: CommittedSample[] = [];
  readonly #world: World;
  #on = true;
  #looking: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
  }

  begin(): void {
    this.#looking = this.#look();
  }

  async end(): Promise<void> {
    this.#on = false;
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (this.#on) {
      // The database or Kafka may be down: there is nothing to see then.
      const seen = await (this.#world.kafka === null ? this.#embedded() : this.#kafka()).catch(() => []);
      // An answer may have waited long: what it says was true before now, not at its question.
      const at = new Date();
      for (const sample of seen) this.samples.push({ ...sample, at });
      await Bun.sleep(EVERY_MS);
    }
  }

  /** In one statement, so that offsets and rows are of one moment. */
  async #embedded(): Promise<readonly (Committed & { passedOver: number })[]> {
    return this.#world.sql<(Committed & { passedOver: number })[]>`
      select o.consumer_group as "group", o.topic, o.partition, o."offset", (
          select count(*)::integer from timeline.topic_log l
          join timeline.event_request r on r.message_id = l.message_id
          left join timeline.event_consumption c on c.message_id = l.message_id and c.consumer_group = o.consumer_group
          where l.topic = o.topic and l."offset" < o."offset" and l."offset" >= o."offset" - 200
            and (c.message_id is null or c.consumed_at is null and not c.error_flag)
        ) as "passedOver"
      from timeline.consumer_offset o where o.consumer_group not like '%.%'
    `;
  }

  /** What lies below the offsets is known only when the log has been read: the law compares the times then. */
  async #kafka(): Promise<readonly (Committed & { passedOver: number })[]> {
    return (await committedOffsets(this.#world)).map((committed) => ({ ...committed, passedOver: 0 }));
  }
}
