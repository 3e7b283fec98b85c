/** One message: its letter, what follows as text, and its bytes. */
export interface Frame {
  readonly type: string;
  readonly text: string;
  readonly bytes: Buffer;
}

/** Cuts a byte stream of PostgreSQL's protocol into messages. */
export class FrameReader {
  #startsUp: boolean;
  #rest: Buffer = Buffer.alloc(0);

  /** A client's first message has no letter. */
  constructor(startsUp: boolean) {
    this.#startsUp = startsUp;
  }

  /** Takes bytes in and returns the messages that are whole now. */
  read(bytes: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    const head = this.#startsUp ? 0 : 1;
    if (this.#rest.length < head + 4) return undefined;
    const length = head + this.#rest.readUInt32BE(head);
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    const type = head === 0 ? "startup" : String.fromCharCode(bytes[0] ?? 0);
    this.#startsUp = false;
    return { type, text: bytes.toString("latin1", head + 4), bytes };
  }
}
