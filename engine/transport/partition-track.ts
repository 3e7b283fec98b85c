/** One message's place in its partition: all that the watermark needs. Its body is not kept once it is done. */
export interface Place {
  readonly offset: number;
  done: boolean;
}

/** As many places are kept at least before it is looked which of them are done. */
const COMPACT_AT = 1_024;

/**
 * What is taken in of one partition: which offset comes next, and which is the first that is not done. Behind one that is
 * never done as many may be done as there are messages: of those no place is kept.
 */
export class PartitionTrack {
  readonly topic: string;
  readonly partition: number;
  /** The next offset expected; -1 before the first message. */
  next = -1;
  /** Messages inside a running batch. */
  inProgress = 0;
  /** False once forgotten in silence: what still ends here moves no offset any more. */
  reporting = true;
  #places: Place[] = [];
  #front = 0;
  #compactAt = COMPACT_AT;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Undefined: this offset was taken in before. */
  accept(offset: number): Place | undefined {
    if (offset < this.next) return undefined;
    this.next = offset + 1;
    const place = { offset, done: false };
    this.#places.push(place);
    return place;
  }

  /** Nothing is to be done before `next` that was not taken in. */
  pass(next: number): void {
    if (next > this.next) this.next = next;
  }

  /** The first offset that is not done; the next one when all are. */
  advance(): number {
    while (this.#places[this.#front]?.done) this.#front += 1;
    const first = this.#places[this.#front];
    if (first === undefined || this.#places.length >= this.#compactAt) {
      this.#places = this.#places.filter(({ done }) => !done);
      this.#front = 0;
      // Each place is looked at a few times in all, however many are not done.
      this.#compactAt = Math.max(COMPACT_AT, 2 * this.#places.length);
    }
    return first?.offset ?? this.next;
  }
}

/** What a track is known by. */
export function trackName(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
