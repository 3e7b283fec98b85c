import type { Place } from "./member.ts";

/** One partition that this member owns in the present generation of its group. */
export class OwnedPartition {
  /** The engine's name. */
  readonly topic: string;
  readonly partition: number;
  /** Kafka's name. */
  readonly place: Place;
  /** Everything before it is done. Null until it is known where this partition begins. */
  watermark: number | null = null;
  /** What Kafka knows of the watermark. */
  committed: number | null = null;
  /** Whether its messages may be taken in. */
  open = false;

  constructor(topic: string, place: Place) {
    this.topic = topic;
    this.partition = place.partition;
    this.place = place;
  }

  /** Where it begins: at the committed offset, or at the oldest message when there is none that Kafka still has. */
  begin(at: { readonly earliest: number; readonly end: number; readonly committed: number | null }): void {
    const inRange = at.committed !== null && at.committed >= at.earliest && at.committed <= at.end;
    this.watermark = inRange ? at.committed : at.earliest;
    // An offset out of range must not keep the ones that follow from being committed.
    this.committed = inRange ? at.committed : null;
  }

  /**
   * Whether a fetch joins on to what was taken in: `position` is what comes next, null before the first message. One that
   * was under way when the partition was moved back does not, and tells nothing of what lies between.
   */
  joins(from: number, position: number | null): boolean {
    return from <= (position ?? this.watermark ?? 0);
  }

  /** What is to be committed; undefined when Kafka knows it all. */
  get uncommitted(): number | undefined {
    const { watermark, committed } = this;
    return watermark !== null && watermark > (committed ?? -1) && watermark > 0 ? watermark : undefined;
  }
}
